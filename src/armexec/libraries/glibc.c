// What shared libraries that were made for glibc want of it, and musl doesn't have: checked functions (_FORTIFY_SOURCE),
// names of 64-bit files, and other names of what musl has. The rest of glibc's interface musl has itself.
//
// Source: Linux Standard Base 5.0, "Interfaces for libc" (the __*_chk functions); glibc 2.36 and 2.38, Versions.def.

typedef __builtin_va_list va_list;
typedef __SIZE_TYPE__ size_t;
typedef long ssize_t, off_t;
typedef __WCHAR_TYPE__ wchar_t;
typedef struct FILE FILE;
extern FILE *stderr, *stdout;

void abort(void) __attribute__((noreturn));
int fputs(const char *, FILE *);

void __chk_fail(void) __attribute__((noreturn));
void __chk_fail(void) {
    fputs("*** buffer overflow detected ***: terminated\n", stderr);
    abort();
}

static inline void check(size_t wanted, size_t room) {
    if (wanted > room) __chk_fail();
}

// Memory and strings. The last argument is the room that the compiler knows of, or SIZE_MAX.

void *memcpy(void *, const void *, size_t), *memmove(void *, const void *, size_t), *memset(void *, int, size_t);
void *mempcpy(void *, const void *, size_t);
void explicit_bzero(void *, size_t);
size_t strlen(const char *), strnlen(const char *, size_t), strlcpy(char *, const char *, size_t), strlcat(char *, const char *, size_t);
char *stpncpy(char *, const char *, size_t), *strncpy(char *, const char *, size_t);

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room) { check(n, room); return memcpy(to, from, n); }
void *__memmove_chk(void *to, const void *from, size_t n, size_t room) { check(n, room); return memmove(to, from, n); }
void *__mempcpy_chk(void *to, const void *from, size_t n, size_t room) { check(n, room); return mempcpy(to, from, n); }
void *__memset_chk(void *to, int c, size_t n, size_t room) { check(n, room); return memset(to, c, n); }
void __explicit_bzero_chk(void *to, size_t n, size_t room) { check(n, room); explicit_bzero(to, n); }

char *__stpcpy_chk(char *to, const char *from, size_t room) {
    size_t n = strlen(from);
    check(n + 1, room);
    return (char *)memcpy(to, from, n + 1) + n;
}
char *__strcpy_chk(char *to, const char *from, size_t room) { __stpcpy_chk(to, from, room); return to; }
char *__strcat_chk(char *to, const char *from, size_t room) {
    size_t n = strlen(to);
    check(n, room);
    __stpcpy_chk(to + n, from, room - n);
    return to;
}
char *__strncpy_chk(char *to, const char *from, size_t n, size_t room) { check(n, room); return strncpy(to, from, n); }
char *__stpncpy_chk(char *to, const char *from, size_t n, size_t room) { check(n, room); return stpncpy(to, from, n); }
char *__strncat_chk(char *to, const char *from, size_t n, size_t room) {
    size_t had = strlen(to), more = strnlen(from, n);
    check(had + more + 1, room);
    memcpy(to + had, from, more);
    to[had + more] = 0;
    return to;
}
size_t __strlcpy_chk(char *to, const char *from, size_t n, size_t room) { check(n, room); return strlcpy(to, from, n); }
size_t __strlcat_chk(char *to, const char *from, size_t n, size_t room) { check(n, room); return strlcat(to, from, n); }
void *__rawmemchr(const void *from, int c) {
    const unsigned char *p = from;
    while (*p != (unsigned char)c) p++;
    return (void *)p;
}

// Formatted output and input. `flag` asks for checks of %n, which glibc makes where the format can be written to.

int vsprintf(char *, const char *, va_list), vsnprintf(char *, size_t, const char *, va_list);
int vfprintf(FILE *, const char *, va_list), vasprintf(char **, const char *, va_list), vdprintf(int, const char *, va_list);
int vsscanf(const char *, const char *, va_list), vfscanf(FILE *, const char *, va_list), vscanf(const char *, va_list);
void vsyslog(int, const char *, va_list);

int __vsnprintf_chk(char *to, size_t n, int flag, size_t room, const char *format, va_list list) {
    check(n, room);
    return vsnprintf(to, n, format, list);
}
int __vsprintf_chk(char *to, int flag, size_t room, const char *format, va_list list) {
    if (room > __INT_MAX__) return vsprintf(to, format, list);
    int n = vsnprintf(to, room, format, list);
    if (n >= 0) check((size_t)n + 1, room);
    return n;
}
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list list) { return vfprintf(file, format, list); }
int __vprintf_chk(int flag, const char *format, va_list list) { return vfprintf(stdout, format, list); }
int __vasprintf_chk(char **to, int flag, const char *format, va_list list) { return vasprintf(to, format, list); }
int __vdprintf_chk(int fd, int flag, const char *format, va_list list) { return vdprintf(fd, format, list); }
void __vsyslog_chk(int level, int flag, const char *format, va_list list) { vsyslog(level, format, list); }

#define VARIADIC(type, name, parameters, last, call) \
    type name parameters { \
        va_list list; \
        __builtin_va_start(list, last); \
        type result = call; \
        __builtin_va_end(list); \
        return result; \
    }
VARIADIC(int, __snprintf_chk, (char *to, size_t n, int flag, size_t room, const char *format, ...), format, __vsnprintf_chk(to, n, flag, room, format, list))
VARIADIC(int, __sprintf_chk, (char *to, int flag, size_t room, const char *format, ...), format, __vsprintf_chk(to, flag, room, format, list))
VARIADIC(int, __fprintf_chk, (FILE *file, int flag, const char *format, ...), format, vfprintf(file, format, list))
VARIADIC(int, __printf_chk, (int flag, const char *format, ...), format, vfprintf(stdout, format, list))
VARIADIC(int, __asprintf_chk, (char **to, int flag, const char *format, ...), format, vasprintf(to, format, list))
VARIADIC(int, __dprintf_chk, (int fd, int flag, const char *format, ...), format, vdprintf(fd, format, list))
VARIADIC(int, __isoc23_sscanf, (const char *from, const char *format, ...), format, vsscanf(from, format, list))
VARIADIC(int, __isoc23_fscanf, (FILE *file, const char *format, ...), format, vfscanf(file, format, list))
VARIADIC(int, __isoc23_scanf, (const char *format, ...), format, vscanf(format, list))
void __syslog_chk(int level, int flag, const char *format, ...) {
    va_list list;
    __builtin_va_start(list, format);
    vsyslog(level, format, list);
    __builtin_va_end(list);
}
int __isoc23_vsscanf(const char *from, const char *format, va_list list) { return vsscanf(from, format, list); }
int __isoc23_vfscanf(FILE *file, const char *format, va_list list) { return vfscanf(file, format, list); }
int __isoc23_vscanf(const char *format, va_list list) { return vscanf(format, list); }

// Numbers. C23's functions also take binary constants ("0b101") where the base is 0 or 2.

long strtol(const char *, char **, int);
unsigned long strtoul(const char *, char **, int);
static int is_binary(const char *text, int base) {
    while (*text == ' ' || (*text >= '\t' && *text <= '\r')) text++;
    if (*text == '+' || *text == '-') text++;
    return (base == 0 || base == 2) && text[0] == '0' && (text[1] | 32) == 'b' && (text[2] == '0' || text[2] == '1');
}
static const char *digits(const char *text, int *negative) {
    while (*text == ' ' || (*text >= '\t' && *text <= '\r')) text++;
    *negative = *text == '-';
    return text + (*text == '+' || *text == '-') + 2;
}
int *__errno_location(void);
long __isoc23_strtol(const char *text, char **end, int base) {
    if (!is_binary(text, base)) return strtol(text, end, base);
    int negative;
    unsigned long most = __LONG_MAX__, value = strtoul(digits(text, &negative), end, 2);
    if (value > most + negative) {
        *__errno_location() = 34;
        value = most + negative;
    }
    return negative ? -value : value;
}
unsigned long __isoc23_strtoul(const char *text, char **end, int base) {
    if (!is_binary(text, base)) return strtoul(text, end, base);
    int negative;
    unsigned long value = strtoul(digits(text, &negative), end, 2);
    return negative ? -value : value;
}
long __isoc23_strtoll(const char *, char **, int) __attribute__((alias("__isoc23_strtol")));
long __isoc23_strtoimax(const char *, char **, int) __attribute__((alias("__isoc23_strtol")));
unsigned long __isoc23_strtoull(const char *, char **, int) __attribute__((alias("__isoc23_strtoul")));
unsigned long __isoc23_strtoumax(const char *, char **, int) __attribute__((alias("__isoc23_strtoul")));

// Files and the system.

ssize_t read(int, void *, size_t), pread(int, void *, size_t, off_t), readlink(const char *, char *, size_t);
ssize_t recv(int, void *, size_t, int);
char *fgets(char *, int, FILE *), *getcwd(char *, size_t), *realpath(const char *, char *);
size_t fread(void *, size_t, size_t, FILE *);
ssize_t __read_chk(int fd, void *to, size_t n, size_t room) { check(n, room); return read(fd, to, n); }
ssize_t __pread_chk(int fd, void *to, size_t n, off_t at, size_t room) { check(n, room); return pread(fd, to, n, at); }
ssize_t __pread64_chk(int fd, void *to, size_t n, off_t at, size_t room) { check(n, room); return pread(fd, to, n, at); }
ssize_t __readlink_chk(const char *path, char *to, size_t n, size_t room) { check(n, room); return readlink(path, to, n); }
ssize_t __recv_chk(int fd, void *to, size_t n, size_t room, int flags) { check(n, room); return recv(fd, to, n, flags); }
char *__fgets_chk(char *to, size_t room, int n, FILE *file) { check(n < 0 ? 0 : n, room); return fgets(to, n, file); }
char *__getcwd_chk(char *to, size_t n, size_t room) { check(n, room); return getcwd(to, n); }
char *__realpath_chk(const char *path, char *to, size_t room) { check(4096, room); return realpath(path, to); }
size_t __fread_chk(void *to, size_t room, size_t size, size_t n, FILE *file) {
    size_t all;
    if (__builtin_mul_overflow(size, n, &all)) __chk_fail();
    check(all, room);
    return fread(to, size, n, file);
}
long __fdelt_chk(long fd) {
    if (fd < 0 || fd >= 1024) __chk_fail();
    return fd / 64;
}

struct stat;
struct dirent;
typedef struct DIR DIR;
#define NAME64(type, name, parameters, arguments) \
    type name parameters; \
    type name##64 parameters { return name arguments; }
NAME64(FILE *, fopen, (const char *path, const char *mode), (path, mode))
NAME64(FILE *, freopen, (const char *path, const char *mode, FILE *file), (path, mode, file))
NAME64(FILE *, tmpfile, (void), ())
NAME64(int, fseeko, (FILE *file, off_t at, int from), (file, at, from))
NAME64(off_t, ftello, (FILE *file), (file))
NAME64(int, fgetpos, (FILE *file, void *at), (file, at))
NAME64(int, fsetpos, (FILE *file, const void *at), (file, at))
NAME64(off_t, lseek, (int fd, off_t at, int from), (fd, at, from))
NAME64(ssize_t, pwrite, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at))
ssize_t pread64(int fd, void *to, size_t n, off_t at) { return pread(fd, to, n, at); }
NAME64(int, ftruncate, (int fd, off_t size), (fd, size))
NAME64(int, truncate, (const char *path, off_t size), (path, size))
NAME64(int, creat, (const char *path, unsigned mode), (path, mode))
NAME64(int, stat, (const char *path, struct stat *to), (path, to))
NAME64(int, lstat, (const char *path, struct stat *to), (path, to))
NAME64(int, fstat, (int fd, struct stat *to), (fd, to))
NAME64(int, fstatat, (int fd, const char *path, struct stat *to, int flags), (fd, path, to, flags))
NAME64(struct dirent *, readdir, (DIR *folder), (folder))
NAME64(int, scandir, (const char *path, struct dirent ***to, int (*choose)(const struct dirent *), int (*order)(const struct dirent **, const struct dirent **)), (path, to, choose, order))
NAME64(int, alphasort, (const struct dirent **a, const struct dirent **b), (a, b))
NAME64(int, mkstemp, (char *name), (name))
NAME64(int, mkostemp, (char *name, int flags), (name, flags))
NAME64(void *, mmap, (void *at, size_t n, int protection, int flags, int fd, off_t from), (at, n, protection, flags, fd, from))
NAME64(int, statvfs, (const char *path, void *to), (path, to))
NAME64(int, fstatvfs, (int fd, void *to), (fd, to))
NAME64(int, statfs, (const char *path, void *to), (path, to))
NAME64(int, fstatfs, (int fd, void *to), (fd, to))
NAME64(int, getrlimit, (int what, void *to), (what, to))
NAME64(int, setrlimit, (int what, const void *from), (what, from))
NAME64(int, posix_fallocate, (int fd, off_t at, off_t n), (fd, at, n))
NAME64(int, posix_fadvise, (int fd, off_t at, off_t n, int advice), (fd, at, n, advice))
NAME64(ssize_t, sendfile, (int to, int from, off_t *at, size_t n), (to, from, at, n))

// The third argument of these is there only where the flags say so; reading it is harmless.
int open(const char *, int, ...), openat(int, const char *, int, ...), fcntl(int, int, ...);
int open64(const char *path, int flags, unsigned mode) { return open(path, flags, mode); }
int openat64(int fd, const char *path, int flags, unsigned mode) { return openat(fd, path, flags, mode); }
int fcntl64(int fd, int command, unsigned long argument) { return fcntl(fd, command, argument); }
int __open_2(const char *path, int flags) { return open(path, flags); }
int __open64_2(const char *path, int flags) { return open(path, flags); }
int __openat_2(int fd, const char *path, int flags) { return openat(fd, path, flags); }
int __openat64_2(int fd, const char *path, int flags) { return openat(fd, path, flags); }

// Random numbers (glibc 2.36).

int getentropy(void *, size_t);
void arc4random_buf(void *to, size_t n) {
    for (size_t at = 0; at < n; at += 256)
        if (getentropy((char *)to + at, n - at < 256 ? n - at : 256)) abort();
}
unsigned arc4random(void) {
    unsigned value;
    arc4random_buf(&value, sizeof value);
    return value;
}
unsigned arc4random_uniform(unsigned bound) {
    if (bound < 2) return 0;
    unsigned least = -bound % bound, value;
    do value = arc4random();
    while (value < least);
    return value % bound;
}

// Others.

char *strdup(const char *), *strndup(const char *, size_t);
char *__strdup(const char *text) { return strdup(text); }
char *__strndup(const char *text, size_t n) { return strndup(text, n); }
int __register_atfork(void (*before)(void), void (*parent)(void), void (*child)(void), void *library) { return 0; }
const char *gnu_get_libc_version(void) { return "2.36"; }
int __finite(double x) { return __builtin_isfinite(x); }
int __isinf(double x) { return __builtin_isinf_sign(x); }
int __isnan(double x) { return __builtin_isnan(x); }
int __finitef(float x) { return __builtin_isfinite(x); }
int __isinff(float x) { return __builtin_isinf_sign(x); }
int __isnanf(float x) { return __builtin_isnan(x); }

char __libc_single_threaded = 1;

// Locales as libstdc++ looks into them: it takes the tables out of the structure. There is only "C".

typedef struct {
    const void *categories[13];
    const unsigned short *ctype_b;
    const int *lower, *upper;
    const char *names[13];
} locale;
static locale c_locale;
const unsigned short **__ctype_b_loc(void);
const int **__ctype_tolower_loc(void), **__ctype_toupper_loc(void);
int strcmp(const char *, const char *);

locale *__newlocale(int mask, const char *name, locale *base) {
    if (name[0] && strcmp(name, "C") && strcmp(name, "POSIX")) {
        *__errno_location() = 2;
        return 0;
    }
    c_locale.ctype_b = *__ctype_b_loc();
    c_locale.lower = *__ctype_tolower_loc();
    c_locale.upper = *__ctype_toupper_loc();
    for (int i = 0; i < 13; i++) c_locale.names[i] = "C";
    return &c_locale;
}
locale *__duplocale(locale *from) { return __newlocale(0, "C", 0); }
void __freelocale(locale *of) {}
locale *__uselocale(locale *wanted) {
    static locale *current = (locale *)-1L;
    locale *before = current;
    if (wanted) current = wanted;
    return before;
}

// Destructors of thread-local variables: there is one thread, which ends with the library.
int __cxa_atexit(void (*)(void *), void *, void *);
int __cxa_thread_atexit_impl(void (*function)(void *), void *object, void *library) {
    return __cxa_atexit(function, object, library);
}
