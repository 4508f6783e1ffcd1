// What compilers ask of the system.

typedef unsigned u32;

// Function multi-versioning: none of the extensions that are asked for is claimed, so that the plainest version is taken,
// which runs everywhere.
unsigned long __aarch64_cpu_features;
void __init_cpu_features_resolver(void) {}
void __init_cpu_features(void) {}

// @available and __builtin_available: macOS 11.0, which the target is.
int __isOSVersionAtLeast(u32 major, u32 minor, u32 update)
{
    return major < 11 || (major == 11 && !minor && !update);
}

int __isPlatformVersionAtLeast(u32 platform, u32 major, u32 minor, u32 update)
{
    (void)platform;
    return __isOSVersionAtLeast(major, minor, update);
}
