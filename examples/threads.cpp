// How many numbers below a million are prime: `armexec run examples/threads.cpp`. Each thread of the guest is one of
// the host's, so they run at the same time.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

static bool is_prime(int n) {
    for (int d = 2; d * d <= n; d++) {
        if (n % d == 0) {
            return false;
        }
    }
    return n > 1;
}

int main() {
    const int end = 1'000'000, part = 10'000;
    std::atomic<int> next = 0, found = 0;
    std::vector<std::thread> threads;
    for (unsigned n = 0; n < std::max(1u, std::thread::hardware_concurrency()); n++) {
        threads.emplace_back([&] {
            for (int begin; (begin = next.fetch_add(part)) < end;) {
                int primes = 0;
                for (int i = begin; i < std::min(begin + part, end); i++) {
                    primes += is_prime(i);
                }
                found += primes;
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    std::printf("%d\n", found.load());
}
