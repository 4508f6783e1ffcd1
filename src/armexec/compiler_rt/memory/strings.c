// int strcmp(const char *a, const char *b), which comparing types by their names takes.

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}
