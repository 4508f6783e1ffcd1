int fn(int num) { return num; }
