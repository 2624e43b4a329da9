// Who misuses the extension protocol (BEP 10), metadata (BEP 9) and peer exchange (BEP 11). Hazards 11, 16, 43, 53,
// 55 to 58.
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "test/support/hostile_peers.h"
#include "wire/extension.h"
#include "wire/metadata_message.h"

namespace torrent::test {

namespace {

using namespace hostile;  // NOLINT: made for these files

// As our program gives them in its extension handshake.
constexpr uint8_t kMetadataId = 2;
constexpr uint8_t kPexId = 5;

std::string Extended(uint8_t id, absl::string_view payload) { return Bytes(wire::EncodeExtended, id, payload); }

// A handshake that names all extensions, with `rest` for keys after `m`.
std::string Introduction(absl::string_view rest) {
  return Extended(0, absl::StrCat("d1:md11:lt_donthavei7e12:ut_holepunchi4e11:ut_metadatai3e6:ut_pexi1ee", rest, "e"));
}

std::string ManyKeys(size_t count) {
  std::string keys = "d";
  for (size_t i = 0; i < count; i++) absl::StrAppend(&keys, "5:", 10000 + i, "i0e");
  return keys + "e";
}

// As many peers as fit into a message, all at 127.0.9.9, where somebody may lie in wait, and at places that nobody may
// be sent to: ports below 1024, link-local, multicast, nobody, everybody.
std::string Forbidden() {
  std::string peers;
  const char addresses[][5] = {"\x7f\x00\x09\x09", "\xa9\xfe\x01\x01", "\xe0\x00\x00\x01", "\x00\x00\x00\x00",
                               "\xff\xff\xff\xff"};
  for (const char* address : {addresses[0], addresses[1], addresses[2], addresses[3], addresses[4]}) {
    for (absl::string_view port :
         {absl::string_view("\x00\x00", 2), absl::string_view("\x00\x16", 2), absl::string_view("\x03\xff", 2)}) {
      absl::StrAppend(&peers, absl::string_view(address, 4), port);
    }
  }
  return Extended(kPexId, absl::StrCat("d5:added", peers.size(), ":", peers, "e"));
}

std::string PexOf(size_t peers) {
  std::string compact;
  // 127.1.x.y: nobody is there.
  for (size_t i = 0; i < peers; i++) {
    for (int byte : {127, 1, static_cast<int>(i / 200), 1 + static_cast<int>(i % 200), 200, 200}) {
      compact.push_back(static_cast<char>(byte));
    }
  }
  return Extended(kPexId, absl::StrCat("d5:added", compact.size(), ":", compact, "e"));
}

std::string MetadataData(uint32_t total, uint32_t piece, size_t bytes) {
  return Extended(kMetadataId, absl::StrCat("d8:msg_typei1e5:piecei", piece, "e10:total_sizei", total, "ee",
                                            std::string(bytes, 'm')));
}

std::vector<HostilePeer> Handshakes() {
  return {
      {"ExtensionHandshakeOfDeepBencode", "16", SaysExtended(Extended(0, std::string(60'000, 'l'))), Ending::kDropped,
       "extension handshake"},
      {"ExtensionHandshakeOfNoDictionary", "53", SaysExtended(Extended(0, "i1e")), Ending::kDropped,
       "extension handshake"},
      {"ExtensionHandshakeCutShort", "53", SaysExtended(Extended(0, "d1:md11:ut_metadatai")), Ending::kDropped,
       "extension handshake"},
      {"ExtensionHandshakeClaimsAStringOf4GiB", "17", SaysExtended(Extended(0, "d1:v4294967295:x")), Ending::kDropped,
       "extension handshake"},
      {"ExtensionHandshakeOfManyKeys", "53", SaysExtended(Extended(0, ManyKeys(5000))), Ending::kDropped,
       "extension handshake"},
      {"ExtensionMessageTooLong", "40",
       SaysExtended(MessageOf(kMaxExtendedPayloadBytes + 1000, 20, std::string(kMaxExtendedPayloadBytes, 'x'))),
       Ending::kDropped, "extended"},
      {"ExtensionMessageWithoutAnId", "53", SaysExtended(MessageOf(1, 20, "")), Ending::kDropped, "extended"},
      {"HugeRequestQueue", "43", SaysExtended(Introduction("4:reqqi4611686018427387904e")), Ending::kStays},
      {"RequestQueueOfOne", "52", SaysExtended(Introduction("4:reqqi1e")), Ending::kStays},
      {"NegativeNumbers", "53",
       SaysExtended(Extended(0,
                             "d1:md11:ut_metadatai-3e6:ut_pexi-1ee13:metadata_sizei-1e1:pi-5e4:reqqi-1e11:upload_"
                             "onlyi-1e6:yourip3:abce")),
       Ending::kStays},
      {"WrongTypes", "53", SaysExtended(Extended(0, "d1:mle13:metadata_sized1:xi0ee1:p2:xx4:reqqle1:vi5e6:youripi1ee")),
       Ending::kStays},
      {"ClientNameOf60KiB", "11", SaysExtended(Introduction(absl::StrCat("1:v60000:", std::string(60'000, '\x1b')))),
       Ending::kStays},
      {"FloodsExtensionHandshakes", "44 53", Pours(Introduction("1:pi9999e6:yourip4:\x01\x02\x03\x04"), false, true),
       Ending::kStays},
      {"FloodsUnknownExtensions", "53", Pours(Extended(77, std::string(1000, 'x')), false, true), Ending::kStays},
      {"HolepunchToLoopback", "58",
       SaysExtended(Introduction("") +
                    Times(50, Extended(4, absl::string_view("\x01\x00\x7f\x00\x09\x09\x03\xff", 8)))),
       Ending::kStays},
  };
}

std::vector<HostilePeer> MetadataAndPex() {
  const std::string hello = Introduction("");
  return {
      {"MetadataSizeOf1TiB", "55", SaysExtended(Introduction("13:metadata_sizei1099511627776e")), Ending::kStays},
      {"MetadataSizeThatChanges", "55",
       SaysExtended(Introduction("13:metadata_sizei1000e") + Introduction("13:metadata_sizei16000000e")),
       Ending::kStays},
      {"MetadataNobodyAskedFor", "55", SaysExtended(hello + Times(20, MetadataData(16'000'000, 3, 16'384))),
       Ending::kStays},
      {"MetadataPieceOutOfRange", "56", SaysExtended(hello + MetadataData(16'384, 9, 10)), Ending::kDropped,
       "metadata"},
      {"MetadataMessageOfGarbage", "56", SaysExtended(hello + Extended(kMetadataId, "d8:msg_type")), Ending::kDropped,
       "metadata"},
      {"AsksForMetadataOutOfRange", "56",
       SaysExtended(hello + Times(200, Extended(kMetadataId, wire::EncodeMetadataRequest(0xffffffff)))),
       Ending::kStays},
      {"FloodsMetadataRequests", "43 56",
       Pours(hello + Extended(kMetadataId, wire::EncodeMetadataRequest(0)), false, true), Ending::kStays},
      {"FloodsMetadataRequestsAndNeverReads", "43 56",
       Pours(hello + Extended(kMetadataId, wire::EncodeMetadataRequest(0)), false, true, /*reads=*/false),
       Ending::kStays},
      {"FloodsPex", "57", SaysExtended(hello + Times(40, PexOf(50))), Ending::kDropped, "peer exchange"},
      {"PexOfTenThousand", "57", SaysExtended(hello + PexOf(10'000)), Ending::kStays},
      {"PexOfForbiddenPlaces", "58", SaysExtended(hello + Forbidden()), Ending::kStays},
      {"PexOfNothing", "57", SaysExtended(hello + Extended(kPexId, "de")), Ending::kStays},
      {"PexOfHalfAnAddress", "57", SaysExtended(hello + Extended(kPexId, "d5:added7:abcdefg7:added.f1:x7:dropped1:ye")),
       Ending::kStays},
      {"PexOfGarbage", "57", SaysExtended(hello + Extended(kPexId, "le")), Ending::kDropped, "peer exchange"},
  };
}

}  // namespace

std::vector<HostilePeer> HostileExtenders(const Payload&) {
  std::vector<HostilePeer> all = Handshakes();
  for (HostilePeer& peer : MetadataAndPex()) all.push_back(std::move(peer));
  return all;
}

}  // namespace torrent::test
