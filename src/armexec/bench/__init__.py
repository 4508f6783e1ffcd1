"""`armexec bench`: the same C kernels built for this host, translated by armexec, and on other emulators.

    kernels         the C kernels in `sources/`, and arm_image their AArch64 code
    contenders/     the programs that run kernels
    measurements/   hot: all contenders in turn, round by round; first_call: from `import` to the first result;
                    calls, text, startup
    plan            the choice of what is measured, and measuring it into a Report
    reports/        the Report, as tables and as a picture

Times of a single process are processor time, which other processes don't change as they change the wall's clock.
"""
