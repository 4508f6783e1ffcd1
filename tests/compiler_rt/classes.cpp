// C++ without a library: `check(i)` gives a number that says whether the i-th thing works.
#include <new>
#include <typeinfo>

namespace {

long trace;  // digits of what happened, in order
void note(int digit) { trace = trace * 10 + digit; }

struct Base {
    virtual ~Base() { note(1); }
    virtual int id() const { return 1; }
    int own = 10;
};
struct Other {
    virtual ~Other() { note(2); }
    virtual int other() const { return 20; }
    int own = 30;
};
struct Single : Base {
    ~Single() override { note(3); }
    int id() const override { return 2; }
};
struct Double : Single, Other {
    ~Double() override { note(4); }
    int id() const override { return 3; }
    int other() const override { return 40; }
};
struct Left : virtual Base {
    int id() const override { return 5; }
};
struct Right : virtual Base {
    int left = 7;
};
struct Diamond : Left, Right {
    int id() const override { return 6; }
};
struct Twice1 : Base {};
struct Twice2 : Base {};
struct Ambiguous : Twice1, Twice2 {};
struct Hidden : private Base, Other {
    static Base *base(Hidden *h) { return h; }
};

long shapes() {
    Base *all[] = {new Base, new Single, new Double, new Diamond, new Left};
    long sum = 0;
    for (Base *b : all) {
        sum = sum * 10 + b->id();
        delete b;
    }
    return sum;
}

long casts() {
    long bits = 0;
    int at = 0;
    auto bit = [&](bool set) { bits |= static_cast<long>(set) << at++; };
    Double d;
    Base *b = &d;
    Other *o = &d;
    bit(dynamic_cast<Double *>(b) == &d);
    bit(dynamic_cast<Double *>(o) == &d);
    bit(dynamic_cast<Other *>(b) == o);
    bit(dynamic_cast<Single *>(o) == &d);
    bit(dynamic_cast<Left *>(b) == nullptr);
    bit(dynamic_cast<void *>(o) == &d);
    bit(dynamic_cast<Other *>(static_cast<Base *>(nullptr)) == nullptr);
    Diamond m;
    Base *vb = &m;
    bit(dynamic_cast<Diamond *>(vb) == &m);
    bit(dynamic_cast<Left *>(vb) == &m);
    bit(dynamic_cast<Right *>(vb) == &m);
    bit(dynamic_cast<Right *>(static_cast<Left *>(&m)) == &m);
    bit(dynamic_cast<Right *>(vb)->left == 7);
    bit(dynamic_cast<Double *>(vb) == nullptr);
    Ambiguous a;
    Twice1 *t1 = &a;
    Base *tb = t1;
    bit(dynamic_cast<Ambiguous *>(tb) == &a);
    bit(dynamic_cast<Twice2 *>(tb) == static_cast<Twice2 *>(&a));
    bit(dynamic_cast<Twice1 *>(tb) == t1);
    Hidden h;
    bit(dynamic_cast<Other *>(Hidden::base(&h)) == nullptr);
    bit(dynamic_cast<Hidden *>(static_cast<Other *>(&h)) == &h);
    Base plain;
    Base *p = &plain;
    bit(dynamic_cast<Single *>(p) == nullptr);
    Double &r = dynamic_cast<Double &>(*b);
    bit(&r == &d);
    return bits;
}

bool same(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

template <class T> struct Box {};
enum Color { red };

long types() {
    long bits = 0;
    int at = 0;
    auto bit = [&](bool set) { bits |= static_cast<long>(set) << at++; };
    Double d;
    Base *b = &d;
    bit(typeid(*b) == typeid(Double));
    bit(typeid(*b) != typeid(Base));
    bit(same(typeid(int).name(), "i"));
    bit(same(typeid(const char *).name(), "PKc"));
    bit(same(typeid(double *).name(), "Pd"));
    bit(same(typeid(unsigned __int128).name(), "o"));
    bit(same(typeid(Box<int(*)[3]>).name() + 12, "N12_GLOBAL__N_13BoxIPA3_iEE" + 12));
    bit(typeid(int[3]) != typeid(int[4]));
    bit(typeid(int (*)(long)) == typeid(int (*)(long)));
    bit(typeid(int Base::*) != typeid(int Other::*));
    bit(typeid(Color) == typeid(Color));
    bit(typeid(const int) == typeid(int));
    bit(typeid(decltype(nullptr)) != typeid(void));
    return bits;
}

struct Counted {
    static int alive;
    Counted() { alive++; }
    ~Counted() { alive--; }
};
int Counted::alive;

struct alignas(256) Aligned {
    char bytes[300];
    ~Aligned() { note(5); }
};

long memory() {
    long bits = 0;
    int at = 0;
    auto bit = [&](bool set) { bits |= static_cast<long>(set) << at++; };
    Counted *many = new Counted[100];
    bit(Counted::alive == 100);
    delete[] many;
    bit(Counted::alive == 0);
    Aligned *one = new Aligned, *some = new Aligned[3];
    bit(reinterpret_cast<unsigned long>(one) % 256 == 0);
    bit(reinterpret_cast<unsigned long>(some + 1) % 256 == 0);
    delete one;
    delete[] some;
    int *n = new (std::nothrow) int[10];
    bit(n != nullptr);
    operator delete[](n, std::nothrow);
    void *volatile huge = operator new(1UL << 60, std::nothrow);
    bit(huge == nullptr);
    huge = operator new[](1UL << 60, std::align_val_t(64), std::nothrow);
    bit(huge == nullptr);
    void *raw = operator new(100);
    operator delete(raw, 100UL);
    raw = operator new(100, std::align_val_t(4096));
    bit(reinterpret_cast<unsigned long>(raw) % 4096 == 0);
    operator delete(raw, 100UL, std::align_val_t(4096));
    alignas(Counted) char place[sizeof(Counted)];
    Counted *placed = new (place) Counted;
    bit(Counted::alive == 1);
    placed->~Counted();
    bit(Counted::alive == 0);
    return bits;
}

int made;
struct Once {
    int value;
    explicit Once(int v) : value(v) { made++; }
    ~Once() { made += 100; }
};
Once &once(int v) {
    static Once only(v);
    return only;
}
long statics() { return once(3).value * 100 + once(4).value * 10 + made; }

struct Global {
    int value;
    Global() : value(42) {}
    ~Global() { value = 0; }
} global;

}  // namespace

extern "C" long check(int i) {
    trace = 0;
    switch (i) {
    case 0: return shapes();
    case 1: return shapes() * 0 + trace;
    case 2: return casts();
    case 3: return types();
    case 4: return memory();
    case 5: return statics();
    case 6: return global.value;
    case 7: { Double *d = new Double; Other *o = d; delete o; return trace; }
    }
    return -1;
}
