/* Keeps the three best scores. It has a bug: docs/debugging.md finds it. */
struct board {
    int best[3];
    int count;
};

static void add(struct board *b, int score) {
    int i = b->count;
    while (i > 0 && b->best[i - 1] < score) {
        b->best[i] = b->best[i - 1];
        i--;
    }
    b->best[i] = score;
    if (b->count < 3)
        b->count++;
}

int kept(const int *scores, int n) {
    struct board b = {{0}, 0};
    for (int i = 0; i < n; i++)
        add(&b, scores[i]);
    return b.count;
}
