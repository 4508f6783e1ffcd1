/* CRC-32 (the polynomial of Ethernet and zlib) of n bytes, byte i being 7 * i + 3 modulo 256. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

static u32 table[256];

u64 kernel(u64 n) {
  for (u32 i = 0; i < 256; i++) {
    u32 c = i;
    for (u32 k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
    table[i] = c;
  }
  u32 crc = 0xffffffff;
  for (u64 i = 0; i < n; i++) crc = table[(u8)crc ^ (u8)(i * 7 + 3)] ^ crc >> 8;
  return crc ^ 0xffffffff;
}
