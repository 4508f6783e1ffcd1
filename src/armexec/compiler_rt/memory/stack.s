// __chkstk_darwin: called with -fstack-check before a large frame is made, its size in x9; changes no register. There is
// nothing to do: an access below the guest's stack faults wherever it is.

        .globl  __chkstk_darwin
__chkstk_darwin:
        ret
