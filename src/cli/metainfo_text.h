// What is in a .torrent, as text for people. Pure.
#ifndef TORRENT_CLI_METAINFO_TEXT_H_
#define TORRENT_CLI_METAINFO_TEXT_H_

#include <string>

#include "torrent/metainfo.h"

namespace torrent {

// Everything: name, infohash, size, pieces, trackers by tier, web seeds, and the files as a tree with the 1-based
// numbers that --select takes. Ends with a newline. Text from the torrent is cleaned.
std::string MetainfoText(const Metainfo& metainfo);

// The tree alone: a line a folder, a line a file with its number and size, in the order of the torrent.
std::string FileTreeText(const Metainfo& metainfo);

}  // namespace torrent

#endif  // TORRENT_CLI_METAINFO_TEXT_H_
