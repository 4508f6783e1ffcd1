"""`armexec bench`: the same C kernels built for this host, translated by armexec, and on other emulators.

    kernels       what is run, from `sources/`
    contenders    who runs it: host_build, arm_engine, qemu (with program), unicorn_engine
    hot           all contenders in turn, round by round
    first_call    from `import` to the first result, in processes of their own
    calls, text, startup    what else takes time
    measure       all parts, into a Report (report)
    table, plot   the report for people

Times are of the processor wherever one process's own work is measured: the wall's clock counts what others do too.
"""
