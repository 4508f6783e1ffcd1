Prints a greeting: cell 0 counts down from 10 while cells 1 to 4 count up to 70 100 30 and 10

++++++++++ [ >+++++++ >++++++++++ >+++ >+ <<<<- ]
>++.            H
>+.             e
+++++++..       ll
+++.            o
>++.            space
<<+++++++++++++++.  W
>.              o
+++.            r
------.         l
--------.       d
>+.             !
>.              newline
