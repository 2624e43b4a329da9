// wire.h: as much of the peer protocol (BEP 3) as the benchmark's own peers speak, on blocking sockets, IPv4.
//
// It shares no code with the program that is measured, so that a fault of one cannot hide in the other. Whatever goes
// wrong ends the process with a line that says it: a benchmark with a broken peer has no result.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace bench {

constexpr uint32_t kBlock = 16384;          // what a request asks for, but for the last of a piece
constexpr uint32_t kHandshake = 68;         // 1 + 19 + 8 reserved + 20 infohash + 20 peer id
constexpr uint32_t kRequest = 4 + 1 + 12;   // length, id, piece index, begin, length
constexpr uint32_t kPieceHead = 4 + 1 + 8;  // length, id, piece index, begin; the block follows
enum Id : uint8_t { kChoke = 0, kUnchoke = 1, kInterested = 2, kBitfield = 5, kAsk = 6, kPiece = 7, kCancel = 8 };

[[noreturn]] inline void Fail(const std::string& what) {
  fprintf(stderr, "%s\n", what.c_str());
  exit(1);
}
[[noreturn]] inline void FailErrno(const std::string& what) { Fail(what + ": " + strerror(errno)); }

inline uint32_t Get32(const uint8_t* at) { return uint32_t{at[0]} << 24 | at[1] << 16 | at[2] << 8 | at[3]; }
inline void Put32(uint8_t* at, uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<uint8_t>(value >> (24 - 8 * i));
}

// False when the other side is gone.
inline bool Receive(int fd, void* to, size_t size) {
  return size == 0 || recv(fd, to, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}
inline bool Send(int fd, const void* from, size_t size, int flags = 0) {
  auto* at = static_cast<const char*>(from);
  while (size > 0) {
    const ssize_t sent = send(fd, at, size, MSG_NOSIGNAL | flags);
    if (sent <= 0) return false;
    at += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

// A message without a payload.
inline bool SendBare(int fd, Id id) {
  const uint8_t message[5] = {0, 0, 0, 1, id};
  return Send(fd, message, sizeof message);
}

inline void PutRequest(uint8_t* at, uint32_t piece_index, uint32_t begin, uint32_t length) {
  Put32(at, kRequest - 4);
  at[4] = kAsk;
  Put32(at + 5, piece_index);
  Put32(at + 9, begin);
  Put32(at + 13, length);
}

// `peer_id`: 8 bytes that name the kind, the rest is made of `number`.
inline bool SendHandshake(int fd, const std::string& infohash, const char* peer_id, int number) {
  uint8_t bytes[kHandshake + 1] = "\023BitTorrent protocol";
  memcpy(bytes + 28, infohash.data(), 20);
  snprintf(reinterpret_cast<char*>(bytes) + 48, 21, "%s%012d", peer_id, number);
  return Send(fd, bytes, kHandshake);
}
inline bool ReceiveHandshake(int fd, const std::string& infohash) {
  uint8_t bytes[kHandshake];
  return Receive(fd, bytes, sizeof bytes) && memcmp(bytes + 28, infohash.data(), 20) == 0;
}

// "10.0.0.1:6881"
inline sockaddr_in Address(const std::string& text) {
  sockaddr_in address{};
  const size_t colon = text.find(':');
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(atoi(text.c_str() + colon + 1)));
  if (colon == std::string::npos || inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
    Fail("no address: " + text);
  return address;
}

// A connected socket, or -1.
inline int Connect(const std::string& address) {
  const sockaddr_in to = Address(address);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    close(fd);
    return -1;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

inline std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

}  // namespace bench
