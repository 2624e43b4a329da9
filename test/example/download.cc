// Downloads one torrent with the installed library: download FILE.torrent FOLDER [PEER]. Built by scripts/test-install:
//   c++ -std=c++20 download.cc $(pkg-config --cflags --libs --static piecework)
#include <cstdio>
#include <memory>

#include "torrent/metainfo.h"
#include "torrent/session.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  absl::StatusOr<torrent::Metainfo> metainfo = torrent::LoadMetainfo(argv[1]);
  if (!metainfo.ok()) {
    fprintf(stderr, "%s\n", metainfo.status().ToString().c_str());
    return 1;
  }
  torrent::SessionOptions options;
  options.port = 0;
  options.state_dir = std::string(argv[2]) + "/.state";
  auto session = torrent::Session::Start(options, nullptr);
  torrent::TorrentOptions what;
  what.output_dir = argv[2];
  if (argc > 3) what.peers = {argv[3]};
  if (!session.ok()) return 1;
  auto id = (*session)->Add(std::make_shared<torrent::Metainfo>(*metainfo), what);
  if (!id.ok()) return 1;
  while (!(*session)->WaitStopped(*id, std::chrono::seconds(1))) {
    const torrent::TorrentStatus status = (*session)->Status(*id);
    printf("%llu of %llu bytes\n", (unsigned long long)status.done_bytes, (unsigned long long)status.wanted_bytes);
  }
  return (*session)->Status(*id).complete ? 0 : 1;
}
