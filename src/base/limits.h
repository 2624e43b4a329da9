// Every bound on what comes from outside, and every default that costs memory, in one place.
// A number here names its reason; code that checks against it says what it refuses.
#ifndef TORRENT_BASE_LIMITS_H_
#define TORRENT_BASE_LIMITS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace torrent {

// --- Blocks and pieces -------------------------------------------------------------------------------------------
// The unit of one request. Clients close connections that ask for more than this (BEP 3's own text says 2^14).
inline constexpr uint32_t kBlockBytes = 16 * 1024;
// The longest request that we serve: some old clients ask for 128 KiB.
inline constexpr uint32_t kMaxServedRequestBytes = 128 * 1024;
inline constexpr uint32_t kMaxPieceBytes = 512u << 20;
inline constexpr uint32_t kMaxPieces = 1u << 21;
inline constexpr uint64_t kMaxTorrentBytes = uint64_t{1} << 48;

// --- Metainfo ----------------------------------------------------------------------------------------------------
inline constexpr size_t kMaxMetainfoBytes = 64u << 20;  // 2^21 piece hashes are 40 MiB
inline constexpr int kMaxBencodeDepth = 100;
inline constexpr size_t kMaxBencodeItems = 3'000'000;
inline constexpr size_t kMaxPathElementBytes = 240;  // below NAME_MAX (255), with room for a number
inline constexpr size_t kMaxPathDepth = 100;
inline constexpr size_t kMaxPathBytes = 4000;  // of a path in a torrent: PATH_MAX (4096) with the NUL and a little more
inline constexpr size_t kMaxRenameAttempts = 500;  // for names that become equal: the k-th of them takes k tries
inline constexpr size_t kMaxTrackers = 100;
inline constexpr size_t kMaxWebSeeds = 100;
inline constexpr size_t kMaxDhtNodes = 100;   // of one .torrent
inline constexpr size_t kMaxUrlBytes = 2048;  // what browsers and servers take; passkeys are a few dozen
inline constexpr size_t kMaxCommentBytes = 4096;
// A link with the trackers and web seeds that we take is well below it; pages and mails carry no longer ones.
inline constexpr size_t kMaxMagnetBytes = 64 * 1024;
inline constexpr size_t kMaxMagnetPeers = 100;
// A file in `files` is at least six bencoded items: no torrent has an index beyond this.
inline constexpr uint32_t kMaxFiles = kMaxBencodeItems / 6;

// --- Peer wire ---------------------------------------------------------------------------------------------------
// An extension message that we read holds at most one metadata block and its header (BEP 9), or a list of some hundred
// peers (BEP 11); handshakes are below 1 KiB.
inline constexpr uint32_t kMaxExtendedPayloadBytes = 64 * 1024;
// A message that we do not know is skipped, without taking memory, up to this length.
inline constexpr uint32_t kMaxIgnoredMessageBytes = 1024 * 1024;
// A peer's name for itself (`v` of BEP 10) goes to logs; real ones have 5 to 40 bytes.
inline constexpr size_t kMaxClientNameBytes = 100;
// Entries of an extension handshake. Real ones have about 30; each costs us a value while it is read.
inline constexpr size_t kMaxExtensionHandshakeItems = 1000;
// Peers of one message of peer exchange, added and dropped each, both address families together (BEP 11). More of them
// are not taken.
inline constexpr size_t kMaxPexPeers = 50;
// Such a message is a dictionary of six strings; a few more keys are allowed to be there.
inline constexpr size_t kMaxPexItems = 100;
inline constexpr int kMaxPexDepth = 10;
// The largest `info` value that is fetched from peers (BEP 9): they may claim any size.
inline constexpr uint32_t kMaxPeerMetadataBytes = 16u << 20;
// BEP 9: "The metadata is handled in blocks of 16KiB".
inline constexpr uint32_t kMetadataPieceBytes = 16 * 1024;
// The rest of a metadata message: a dictionary of three short entries.
inline constexpr size_t kMaxMetadataHeadBytes = 1024;
inline constexpr size_t kMaxMetadataHeadItems = 50;
// Pieces of metadata asked of one peer at once; a fast line brings 64 KiB in a round trip, and most metadata is below 1
// MiB.
inline constexpr size_t kMaxMetadataRequests = 4;
// Silent for so long, a peer that was asked loses its pieces to the next (its late answer counts still), and after that
// or a reject it is left alone for a while: it may be fetching just as we are.
inline constexpr std::chrono::seconds kMetadataPatience{3};
inline constexpr std::chrono::seconds kMetadataRetry{30};
// How long a copy of metadata may hold room (kMaxPeerMetadataBytes for all copies) that another of its size waits for;
// doubled each time it lost it.
inline constexpr std::chrono::seconds kMetadataRoomTime{20};
// Answers that wait for one peer (BEP 9), and how often one may fetch all of it: a peer that lost some asks twice.
inline constexpr size_t kMaxMetadataAnswers = 64;
inline constexpr uint64_t kMaxMetadataServings = 3;
// What peers say before the metadata is there, kept for the swarm: of all of a torrent, and of one, a bitfield of
// kMaxPieces and some more.
inline constexpr int64_t kMaxEarlyBytes = 4 << 20;
inline constexpr int64_t kMaxEarlyPeerBytes = kMaxPieces / 8 + 64 * 1024;
// Before the metadata is there we send handshakes, requests and rejects: below 1 KiB, but to a flood of requests.
inline constexpr size_t kMaxEarlyOutput = 64 * 1024;
// An adopted connection cannot be told our pieces by a bitfield any more; more `have`s than this are not sent for it.
inline constexpr size_t kMaxAdoptedHaves = 2000;
// Where all connections are taken, a peer that gave no metadata for so long makes room for one that is waiting.
inline constexpr std::chrono::seconds kMetadataUseless{30};
// BEP 6 suggests 10 pieces for a peer that has none.
inline constexpr size_t kAllowedFastPieces = 10;

// --- Network -----------------------------------------------------------------------------------------------------
inline constexpr int kMaxResolverThreads = 4;  // getaddrinfo cannot be stopped: this many may hang
inline constexpr std::chrono::seconds kResolveTimeout{10};
// Datagrams of both families handled between two looks at the stop flag: a storm of them holds nobody up.
inline constexpr size_t kMaxDatagramsPerTurn = 200;
// Of each of our two UDP sockets, each way: the replies to a DHT search's burst, or some three large tracker replies.
inline constexpr int kUdpSocketBufferBytes = 128 * 1024;
// A URL of a metainfo (at most kMaxUrlBytes) with the arguments of an announce, or a redirect with a long signature.
inline constexpr size_t kMaxRequestUrlBytes = 8 * 1024;

// --- HTTP (trackers, torrent files by URL) -----------------------------------------------------------------------
inline constexpr std::chrono::seconds kHttpConnectTimeout{15};
inline constexpr std::chrono::seconds kHttpTotalTimeout{60};
inline constexpr int kMaxHttpRedirects = 5;
inline constexpr size_t kMaxTrackerBodyBytes = 1 << 20;  // 2000 peers in the dictionary form are under 200 KiB
// The library matches the status line recursively, 250 bytes of stack a character.
inline constexpr size_t kMaxHttpStatusLineBytes = 256;
inline constexpr size_t kMaxHttpHeadBytes = 16 * 1024;
inline constexpr size_t kMaxHttpFields = 100;
// Deflate reaches 1032:1, text of trackers about 10:1. The slack lets short repetitive answers through.
inline constexpr size_t kMaxInflateRatio = 100;
inline constexpr size_t kInflateSlackBytes = 64 * 1024;

// --- Disk --------------------------------------------------------------------------------------------------------
inline constexpr size_t kMaxOpenFiles = 64;        // descriptors kept for payload; the rest are for peers
inline constexpr size_t kWriteRunBytes = 1 << 20;  // one turn of the piece writer for a torrent: bounds its latency
inline constexpr size_t kVerifyBufferBytes = 256 << 10;  // a hashing thread's read buffer: stays in a core's own cache
inline constexpr std::chrono::seconds kDiskFullFirstRetry{2};
inline constexpr std::chrono::seconds kDiskFullRetry{5};
// A disk that failed otherwise (not mounted, read-only, an I/O error) is looked at anew after the first; after each
// failure that follows within a minute the wait doubles, up to the second. Each look may cost an announce.
inline constexpr std::chrono::seconds kDiskLostFirstRetry{2};
inline constexpr std::chrono::seconds kDiskLostRetry{30};
inline constexpr std::chrono::minutes kDiskLostCalm{1};
inline constexpr std::chrono::seconds kCheckpointInterval{5};  // what a power cut may cost
inline constexpr std::chrono::seconds kWritebackInterval{1};   // keeps the last fdatasync of a download short
inline constexpr size_t kMaxFilesSyncedSingly = 256;           // more dirty ones than that: syncfs, once
inline constexpr size_t kMaxRecordBytes = 64u << 20;           // 2^21 pieces are 256 KiB, 10^6 files 16 MiB

// --- Trackers ----------------------------------------------------------------------------------------------------
// More addresses than a torrent ever dials; 20 times what a client asks for (`numwant`).
inline constexpr size_t kMaxTrackerPeers = 2000;
// A tracker's texts (`failure reason`, `warning message`) go to logs; its `tracker id` comes back in each of our URLs.
inline constexpr size_t kMaxTrackerTextBytes = 500;
inline constexpr size_t kMaxTrackerIdBytes = 512;
// A reply with that many peers in the dictionary form has 7 values a peer; each value costs us some 100 bytes.
inline constexpr size_t kMaxTrackerReplyItems = 65'536;
inline constexpr int kMaxTrackerReplyDepth = 10;
// Trackers have sent 0, negative numbers and 2^31 as `interval`.
inline constexpr std::chrono::seconds kMinAnnounceInterval{60};
inline constexpr std::chrono::hours kMaxAnnounceInterval{2};
// Where a reply names none: what most trackers name.
inline constexpr std::chrono::minutes kDefaultAnnounceInterval{30};
// Waits after failures: 5 s doubled at each, as long as half an hour.
inline constexpr std::chrono::seconds kMinAnnounceBackoff{5};
inline constexpr std::chrono::minutes kMaxAnnounceBackoff{30};
// A tracker that is silent for this long no longer holds up the next one (it may still answer).
inline constexpr std::chrono::seconds kAnnouncePatience{5};
// What a tracker's second address family may take once the first has answered: its peers wait meanwhile.
inline constexpr std::chrono::seconds kSecondFamilyPatience{3};
// Each takes a thread while it waits.
inline constexpr size_t kMaxAnnouncesInFlight = 8;
// A request to a UDP tracker is repeated after 2 s, then after twice the time before each. BEP 15 begins with 15 s; but
// clients begin with less (aria2 5 s), RFC 8085 (3.1.3) recommends 1 s, and a lost datagram costs a user that long.
inline constexpr std::chrono::seconds kUdpTrackerFirstWait{2};
// Room for four datagrams: who has answered none is away, and what BEP 15 repeats for an hour is the back-off above.
// libtorrent gives up after the same time. Each that waits keeps one of kMaxAnnouncesInFlight.
inline constexpr std::chrono::seconds kUdpTrackerTimeout{30};
inline constexpr std::chrono::seconds kUdpTrackerConnectionLife{
    60};                                      // BEP 15; the tracker takes the id for two minutes
inline constexpr size_t kMaxUdpScrapes = 74;  // in one request, as BEP 15 says: 1496 bytes
// A longer `retry in` (BEP 31) counts as this.
inline constexpr std::chrono::hours kMaxRetryIn{7 * 24};

// --- The DHT -----------------------------------------------------------------------------------------------------
// Between two searches for a torrent's peers; an announce is forgotten after half an hour (BEP 5 names no time).
inline constexpr std::chrono::minutes kDhtSearchInterval{15};
// The same while peers are few, doubled at each search.
inline constexpr std::chrono::seconds kDhtHungryInterval{60};
// Datagrams. Ours are at most 1024 bytes (BEP 32), so that they pass everywhere in one piece; others send replies of up
// to about 1500. Each item of a message costs us a value while it is read.
inline constexpr size_t kMaxDhtSentBytes = 1024;
inline constexpr size_t kMaxDhtDatagramBytes = 2048;
inline constexpr size_t kMaxDhtItems = 600;
inline constexpr int kMaxDhtDepth = 8;
// What others choose and we send back: real transaction ids have 2 to 20 bytes, tokens 4 to 20.
inline constexpr size_t kMaxDhtTransactionBytes = 64;
inline constexpr size_t kMaxDhtTokenBytes = 64;
// Datagrams handled before timers get their due, and bytes of them that wait at most.
inline constexpr size_t kMaxDhtDatagramsPerTurn = 200;
inline constexpr size_t kMaxDhtInboxBytes = 256 * 1024;
inline constexpr size_t kMaxDhtCommands = 1000;  // nodes that others named and nobody looked at yet
// All that strangers make us send, so that we are no good for a flood at somebody else.
inline constexpr int64_t kDhtAnswerBytesPerSecond = 8000;
// More queries than that of one source within the window, and it hears nothing for a while. A client's own searches
// ask a node a few times a minute.
inline constexpr int kMaxDhtQueriesPerSource = 50;
inline constexpr std::chrono::seconds kDhtSourceWindow{10};
inline constexpr std::chrono::minutes kDhtSourceSilence{5};
inline constexpr size_t kMaxDhtSources = 1000;
// Addresses known to receive what we send to them (they sent something of it back), and for how long that is believed.
inline constexpr size_t kMaxDhtProvenAddresses = 1000;
inline constexpr std::chrono::minutes kDhtProofLifetime{30};
// Replies that wait for such a proof, and how long: a round trip around the world, less than askers wait.
inline constexpr size_t kMaxDhtWithheldReplies = 50;
inline constexpr std::chrono::milliseconds kDhtProofPatience{800};
// The routing table (BEP 5): nodes a bucket, the silence after which one is no longer good, failures in a row after
// which it gives way, and after which it goes even if nobody is there to take its place.
inline constexpr size_t kDhtBucketNodes = 8;
inline constexpr std::chrono::minutes kDhtGoodTime{15};
inline constexpr int kDhtBadFailures = 2;
inline constexpr int kDhtGoneFailures = 5;
// A node of the table is looked after that often: 200 nodes in less than kDhtGoodTime.
inline constexpr std::chrono::seconds kDhtMaintenanceInterval{3};
// Nodes that one network may have in a bucket or in a search (global addresses).
inline constexpr size_t kMaxDhtNodesPerNetwork = 2;
// Nodes heard of that wait for a ping, and pings on their way.
inline constexpr size_t kMaxDhtHeardNodes = 200;
inline constexpr size_t kMaxDhtPingsInFlight = 32;
// A query unanswered for this long no longer holds up the next one of its search; after the second time the search
// ends without it; after the third its answer is refused.
inline constexpr std::chrono::milliseconds kDhtSlowQuery{500};
inline constexpr std::chrono::milliseconds kDhtLostQuery{1500};
inline constexpr std::chrono::seconds kDhtQueryTimeout{10};
inline constexpr size_t kMaxDhtQueriesInFlight = 500;
// Searches: queries at once (BEP 5's paper: alpha), nodes kept of one, searches at once, peers told of one.
inline constexpr size_t kDhtSearchWidth = 3;
inline constexpr size_t kMaxDhtSearchNodes = 100;
inline constexpr size_t kMaxDhtActiveSearches = 16;
inline constexpr size_t kMaxDhtSearchPeers = 1000;
// A family with an empty table holds up a search that the other one has ended for this long.
inline constexpr std::chrono::seconds kDhtFamilyPatience{5};
// Votes on our own address: how many are kept, and how many must agree.
inline constexpr size_t kMaxDhtAddressVotes = 32;
inline constexpr size_t kDhtAddressVotes = 4;
// The peers that were announced to us: 130 bytes a torrent, 32 a peer: 200 KB at most.
inline constexpr size_t kMaxDhtStoredTorrents = 500;
inline constexpr size_t kMaxDhtStoredPeers = 4000;
inline constexpr size_t kMaxDhtStoredPeersPerTorrent = 100;
inline constexpr std::chrono::minutes kDhtPeerLifetime{30};
inline constexpr size_t kDhtSampledPeers = 50;  // of them, in a reply
// To a read-only node: fewer bytes than those of the four nodes that are left out for them.
inline constexpr size_t kDhtUnprovenPeers = 6;
inline constexpr std::chrono::minutes kDhtSecretLifetime{5};
// Nodes to begin with: how many addresses are kept, and the wait between tries while fewer than a bucket answer.
inline constexpr size_t kMaxDhtBootstrapNodes = 64;
inline constexpr std::chrono::seconds kMinDhtBootstrapBackoff{5};
inline constexpr std::chrono::minutes kMaxDhtBootstrapBackoff{5};
inline constexpr size_t kMaxDhtNameLookups = 4;     // at once, a thread each
inline constexpr size_t kMaxDhtWaitingNames = 200;  // two torrents' worth (kMaxDhtNodes)
// The table on disk: 200 nodes a family, 38 bytes each at most, and how often it is written.
inline constexpr size_t kMaxDhtStateBytes = 64 * 1024;
inline constexpr size_t kMaxDhtStateNodes = 200;
inline constexpr std::chrono::minutes kDhtSaveInterval{5};

// --- Local discovery (BEP 14) ------------------------------------------------------------------------------------
// Real messages have 150 bytes and 52 an infohash; longer ones than BEP 14 allows are heard up to here.
inline constexpr size_t kMaxLsdBytes = 2048;
inline constexpr size_t kMaxLsdSentBytes = 1400;  // BEP 14: no fragments
inline constexpr size_t kMaxLsdInfohashes = 24;   // in one that we send: 1248 bytes, and up to 120 for the other lines
inline constexpr std::chrono::minutes kLanAnnounceInterval{5};  // BEP 14
inline constexpr std::chrono::seconds kLanAnnounceJitter{30};   // so that clients that started together part
inline constexpr std::chrono::seconds kLanRoundInterval{60};    // BEP 14: one a minute, against multicast storms
// How often a torrent is told of one peer, and of one address whatever ports it names.
inline constexpr std::chrono::minutes kLanRepeatInterval{5};
inline constexpr std::chrono::seconds kLanSourceInterval{60};
inline constexpr size_t kMaxLanSources = 256;  // addresses a torrent remembers; more within five minutes are not told

// --- What peers tell of others -----------------------------------------------------------------------------------
// BEP 11: "no more than once per minute".
inline constexpr std::chrono::seconds kPexInterval{60};
// What comes oftener is not heard. A network holds one message back and brings it with the next, and clients differ in
// what they send at first: several in the first minute pass.
inline constexpr std::chrono::seconds kPexTolerance{50};
inline constexpr int kPexBurst = 6;
// After so many that were not heard the peer is sent away.
inline constexpr int kMaxIgnoredPex = 20;
// Ports of its DHT node that a peer may name on one connection (BEP 5): one, and another after its client moved.
inline constexpr int kMaxDhtPortsOfPeer = 3;
// Those that left a swarm and may still have to be told: 200 connections that change twice a minute.
inline constexpr size_t kMaxPexLeft = 400;

// --- Peers: connections and what one may cost --------------------------------------------------------------------
inline constexpr int kMaxHalfOpen = 30;  // connecting at once: home routers choke on hundreds
inline constexpr std::chrono::seconds kConnectTimeout{10};
inline constexpr std::chrono::seconds kHandshakeTimeout{10};  // in total, not a read: against slow lorises
inline constexpr int kMaxPendingIncoming = 20;                // connections that have not said their handshake yet
inline constexpr int kMaxIncomingPerAddress = 8;              // several machines behind one NAT are ordinary
inline constexpr size_t kMaxPeerRequests = 500;               // that a peer may queue; told as `reqq`
inline constexpr int kMaxRequestsWhileChoked = 300;
inline constexpr int kMaxUnaskedBlocks = 50;
// Requests rejected one after the other by a peer that does not choke us, twice a full queue: it will give nothing.
inline constexpr int kMaxRejectsInARow = 1000;
inline constexpr uint64_t kMaxFastServings = 3;  // of one allowed-fast piece to one choked peer, times its bytes
inline constexpr int kMaxToggles = 100;          // choke, interest and bitfield changes in kToggleWindow
inline constexpr std::chrono::seconds kToggleWindow{10};
inline constexpr size_t kMaxPendingOutput = 1 << 20;      // of control messages that the peer does not read
inline constexpr std::chrono::seconds kSendTimeout{60};   // output that waits that long without progress
inline constexpr std::chrono::seconds kIdleTimeout{180};  // nothing received; BEP 3's keep-alives come every 120 s
inline constexpr std::chrono::seconds kKeepAliveEvery{110};
inline constexpr std::chrono::seconds kLateAnswer{60};  // a block may come that long after its request was given up
// Unchoked and asking for nothing, or reading nothing, for so long: its slot is free for others. A round trip is less.
inline constexpr std::chrono::seconds kIdleSlotTime{2};
inline constexpr std::chrono::seconds kSnubTime{60};  // asked and giving nothing: no slot in return
inline constexpr size_t kMaxKnownPeers = 2000;        // addresses kept a torrent
// Of them, what these sources may fill: none of them is worth all the room, and each can be made up by a stranger.
inline constexpr size_t kMaxKnownOfPex = kMaxKnownPeers / 2;
inline constexpr size_t kMaxKnownOfDht = kMaxKnownPeers / 2;
inline constexpr size_t kMaxKnownOfLan = 200;
// And what one peer may bring by peer exchange: four messages full.
inline constexpr size_t kMaxKnownOfOnePeer = 200;
// A torrent's share in a piece writer. More of it only grows cold there: eight fast peers cost 2.6 CPU s a GiB with
// this, 5.5 with 4 MiB.
inline constexpr size_t kWriterQueueBytes = 1u << 20;
// A write of at most 256 KiB that takes longer than this waits for the disk, and the next ones will too for a while.
inline constexpr std::chrono::milliseconds kSlowWrite{50};
inline constexpr std::chrono::seconds kBusyDisk{1};

// --- The tracker that we serve (`torrent tracker`) ---------------------------------------------------------------
// A peer takes some 200 bytes and a swarm some 300: 25 MB at most.
inline constexpr size_t kMaxServedPeers = 100'000;
inline constexpr size_t kMaxServedSwarms = 20'000;
inline constexpr size_t kDefaultServedNumwant = 50;  // BEP 3's default for `numwant`
inline constexpr size_t kMaxServedNumwant = 200;
// Peers of one swarm that one announce looks at, so that a huge swarm does not make announces slow.
inline constexpr size_t kMaxServedLookups = 1000;
inline constexpr size_t kMaxServedScrapes = 74;  // infohashes in one scrape, as many as BEP 15 has room for
// How often the peers that went silent are looked for.
inline constexpr std::chrono::seconds kServedSweepInterval{30};
// Requests being answered at once, each on a thread of its own; those of one host elsewhere; how long each may take.
inline constexpr size_t kMaxServedRequests = 64;
inline constexpr size_t kMaxServedRequestsPerAddress = 8;
inline constexpr std::chrono::seconds kServedRequestTimeout{10};

// --- Threads and memory ------------------------------------------------------------------------------------------
// How long a peer's thread waits for memory that the system refuses before its connection ends, and what is laid by
// for such a time: some thousand small values, so that who holds a lock gets through. It is never touched before.
inline constexpr std::chrono::milliseconds kMemoryPatience{500};
inline constexpr size_t kMemoryReserveBytes = 256 * 1024;
#ifdef TORRENT_SANITIZED  // the Makefile's SANITIZE: a frame is several times as large
inline constexpr size_t kThreadStackBytes = 1024 * 1024;
#else
inline constexpr size_t kThreadStackBytes = 256 * 1024;
#endif

}  // namespace torrent

#endif  // TORRENT_BASE_LIMITS_H_
