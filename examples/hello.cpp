// A program with the C++ library:  armexec run examples/hello.cpp Ada
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

static std::string name(const std::vector<std::string> &arguments)
{
    if (arguments.empty())
        throw std::invalid_argument("nobody to greet");
    return arguments.front();
}

int main(int argc, char **argv)
{
    try {
        const std::string greeted = name({argv + 1, argv + argc});
        std::cout << "Hello, " << greeted << "!\n";
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
