#include "cli/json_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/event_notes.h"
#include "cli/event_queue.h"

namespace torrent {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json Parsed(const std::string& line) {
  EXPECT_EQ(line.find('\n'), std::string::npos) << "more than one line";
  json parsed = json::parse(line);
  EXPECT_EQ(parsed["v"], 1) << line;
  return parsed;
}

std::vector<Event> OneOfEach() {
  return {
      {0, MetadataEvent{"name", std::string(40, 'a'), 1000, 2}},
      {1, AnnounceEvent{"http://t/announce", "started", absl::OkStatus(), 7, ""}},
      {2, PeerConnectedEvent{"1.2.3.4:5", PeerSource::kTracker, false, "Some 1.0"}},
      {2, PeerGoneEvent{"1.2.3.4:5", absl::UnavailableError("it hung up"), 5, 6, true}},
      {3, PieceEvent{PieceEvent::What::kFailed, 12}},
      {3, DiskEvent{absl::ResourceExhaustedError("/mnt: No space left on device")}},
      {3, PeersFoundEvent{PeerSource::kDht, 12, 40}},
  };
}

TEST(JsonLinesTest, EventsHaveTheFieldsOfTheManPage) {
  std::vector<json> lines;
  for (const Event& event : OneOfEach()) lines.push_back(Parsed(JsonOfEvent(event).value()));
  EXPECT_EQ(lines[0], json({{"v", 1},
                            {"event", "metadata"},
                            {"torrent", 0},
                            {"name", "name"},
                            {"infohash", std::string(40, 'a')},
                            {"bytes", 1000},
                            {"pieces", 2}}));
  EXPECT_EQ(lines[1], json({{"v", 1},
                            {"event", "tracker"},
                            {"torrent", 1},
                            {"tracker", "http://t/announce"},
                            {"request", "started"},
                            {"ok", true},
                            {"peers", 7}}));
  EXPECT_EQ(lines[2], json({{"v", 1},
                            {"event", "peer"},
                            {"torrent", 2},
                            {"what", "connected"},
                            {"address", "1.2.3.4:5"},
                            {"source", std::string(PeerSourceName(PeerSource::kTracker))},
                            {"incoming", false},
                            {"client", "Some 1.0"}}));
  EXPECT_EQ(lines[3], json({{"v", 1},
                            {"event", "peer"},
                            {"torrent", 2},
                            {"what", "gone"},
                            {"address", "1.2.3.4:5"},
                            {"downloaded", 5},
                            {"uploaded", 6},
                            {"banned", true},
                            {"message", "it hung up"}}));
  EXPECT_EQ(lines[4], json({{"v", 1}, {"event", "piece"}, {"torrent", 3}, {"what", "failed"}, {"piece", 12}}));
  EXPECT_EQ(
      lines[5],
      json({{"v", 1}, {"event", "disk"}, {"torrent", 3}, {"ok", false}, {"message", "/mnt: No space left on device"}}));
  EXPECT_EQ(lines[6],
            json({{"v", 1}, {"event", "peers"}, {"torrent", 3}, {"source", "dht"}, {"new", 12}, {"known", 40}}));
}

TEST(JsonLinesTest, ProgressDoneAndErrorHaveTheFieldsOfTheManPage) {
  TorrentStatus status;
  status.state = TorrentState::kDownloading;
  status.wanted_bytes = 1000;
  status.done_bytes = 250;
  status.downloaded_bytes = 300;
  status.download_rate = 74.9;
  status.seconds = 1.23456;
  status.peers_by_source[static_cast<size_t>(PeerSource::kPex)] = {20, 3, 4};
  const json progress = Parsed(JsonOfProgress(4, status));
  for (const char* field : {"state", "done", "wanted", "downloaded", "uploaded", "download_rate", "upload_rate", "eta",
                            "peers", "seeds", "known_peers", "sources", "stall", "wasted", "corrupt"}) {
    EXPECT_TRUE(progress.contains(field)) << field;
  }
  EXPECT_EQ(progress["torrent"], 4);
  EXPECT_EQ(progress["state"], "downloading");
  EXPECT_EQ(progress["download_rate"], 74);
  EXPECT_EQ(progress["eta"], 11);
  EXPECT_EQ(progress["sources"], json({{"pex", {{"known", 20}, {"connected", 3}, {"ever_connected", 4}}}}));
  EXPECT_TRUE(progress["stall"].is_null());
  status.stall = Stall::kAllChoke;
  EXPECT_EQ(Parsed(JsonOfProgress(4, status))["stall"], "all choke us");
  const json done = Parsed(JsonOfDone(4, status));
  EXPECT_EQ(done["event"], "done");
  EXPECT_EQ(done["bytes"], 1000);
  EXPECT_EQ(done["seconds"], 1.235);
  EXPECT_EQ(done["sources"], progress["sources"]);
  const json error = Parsed(JsonOfError(absl::nullopt, "x.torrent", 3, "x.torrent: no"));
  EXPECT_EQ(
      error,
      json({{"v", 1}, {"event", "error"}, {"source", "x.torrent"}, {"exit_code", 3}, {"message", "x.torrent: no"}}));
}

TEST(JsonLinesTest, TellsHowFarTheMetadataIs) {
  EXPECT_EQ(Parsed(JsonOfEvent({1, MetadataProgressEvent{0, 0}}).value()),
            json({{"v", 1}, {"event", "metadata_progress"}, {"torrent", 1}, {"done", 0}, {"total", nullptr}}));
  TorrentStatus status;
  status.state = TorrentState::kMetadata;
  status.metadata_bytes = 16384;
  status.metadata_total_bytes = 40000;
  const json progress = Parsed(JsonOfProgress(1, status));
  EXPECT_EQ(progress["state"], "metadata");
  EXPECT_EQ(progress["metadata"], 16384);
  EXPECT_EQ(progress["metadata_total"], 40000);
}

// Hazard 12 (Transmission#7667): a peer's name that is no UTF-8.
TEST(JsonLinesTest, StaysJsonWhateverTextHolds) {
  const Event event{0, PeerConnectedEvent{"a", PeerSource::kIncoming, true, "\"\\\n\x01\xff\xc3 end"}};
  EXPECT_THAT(Parsed(JsonOfEvent(event).value())["client"].get<std::string>(), HasSubstr(" end"));
}

TEST(EventQueueTest, WantsOnlyWhatItTells) {
  EXPECT_EQ(EventQueue({.json = false, .notes = false}).wanted(), 0u);
  EXPECT_EQ(EventQueue({}).wanted() & kPeerEvents, 0u);
  EXPECT_NE(EventQueue({.verbose = true}).wanted() & kPeerEvents, 0u);
  EXPECT_NE(EventQueue({.json = true}).wanted() & kPieceEvents, 0u);
}

TEST(EventQueueTest, GivesWholeLinesInOrderOnce) {
  EventQueue queue({.json = true, .verbose = true});
  for (const Event& event : OneOfEach()) queue.OnEvent(event);
  const EventQueue::Lines lines = queue.Take();
  EXPECT_EQ(std::count(lines.json.begin(), lines.json.end(), '\n'), 7);
  EXPECT_EQ(lines.notes.size(), 6u);  // all but metadata
  EXPECT_EQ(queue.Take().json, "");
}

TEST(EventQueueTest, CountsWhatDoesNotFitInsteadOfGrowing) {
  EventQueue queue({.json = true, .verbose = true});
  const Event event{0, PeerConnectedEvent{"a", PeerSource::kIncoming, true, std::string(100, 'x')}};
  for (int i = 0; i < 20000; ++i) queue.OnEvent(event);
  const EventQueue::Lines lines = queue.Take();
  EXPECT_LE(lines.json.size(), EventQueue::kMaxQueuedBytes + 100);
  EXPECT_GT(lines.notes_left_out, 0u);
  const std::string last = lines.json.substr(lines.json.rfind('\n', lines.json.size() - 2) + 1);
  EXPECT_EQ(json::parse(last)["event"], "gap");
  const size_t whole = static_cast<size_t>(std::count(lines.json.begin(), lines.json.end(), '\n')) - 1;
  EXPECT_EQ(json::parse(last)["lines"], 20000 - whole);
}

// Hazards 8 and 11: a name from outside moves no cursor and fills no screen.
TEST(EventNotesTest, AreOneCleanLine) {
  const Event event{0,
                    PeerConnectedEvent{"a", PeerSource::kIncoming, true, "\x1b[2J\r\nevil" + std::string(5000, 'x')}};
  const std::string text = NoteOfEvent(event).value().text;
  for (char c : text) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << text;
  EXPECT_LE(text.size(), 500u);
}

TEST(EventNotesTest, TellsWhatASourceBrought) {
  const Note note = NoteOfEvent({0, PeersFoundEvent{PeerSource::kPex, 3, 9}}).value();
  EXPECT_EQ(note.text, "pex: 3 new peers, 9 known");
  EXPECT_EQ(note.when, Note::When::kVerbose);
}

TEST(EventNotesTest, OnlyWhatEverybodyShouldKnowIsToldWithoutV) {
  EXPECT_EQ(NoteOfEvent({0, AnnounceEvent{"t", "", absl::OkStatus(), 0, "pay up"}})->when, Note::When::kAlways);
  EXPECT_EQ(NoteOfEvent({0, AnnounceEvent{"t", "", absl::UnavailableError("x"), 0, ""}})->when,
            Note::When::kWithoutPeers);
  EXPECT_EQ(NoteOfEvent({0, AnnounceEvent{"t", "", absl::OkStatus(), 0, ""}})->when, Note::When::kVerbose);
  EXPECT_EQ(NoteOfEvent({0, DiskEvent{absl::ResourceExhaustedError("full")}})->when, Note::When::kAlways);
  EXPECT_FALSE(NoteOfEvent({0, PieceEvent{PieceEvent::What::kWritten, 1}}).has_value());
}

}  // namespace
}  // namespace torrent
