// File names out of a torrent, made safe: nothing that a .torrent says can name a place outside its own folder, move a
// cursor, pass for another name, or be longer than file systems take (CVE-2009-1760, CVE-2010-0012 and their kin).
// Pure. Invariant: a cleaned element is one path component: not empty, not "." or "..", without '/', '\' or control
// characters, well-formed UTF-8, of at most kMaxPathElementBytes.
#ifndef TORRENT_METAINFO_PATH_CLEANER_H_
#define TORRENT_METAINFO_PATH_CLEANER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "torrent/metainfo.h"

namespace torrent {

// One element of a path. Slashes are dropped, as are invisible characters that disguise names; control characters and
// what is no UTF-8 become '_'. What is too long loses the end of its stem and keeps its extension.
// Answers the empty string when nothing is left that could be a name: for a path that stands for "_", for a torrent's
// name the infohash.
std::string CleanPathElement(absl::string_view element);

// Makes the paths of `files` (clean ones) different from each other, also where case does not count, and from every
// folder that a path needs: those that come later get a number before their extension ("a/b.txt", "a/b.1.txt"). Pad
// files are never written and keep theirs. InvalidArgument when that would take more than kMaxRenameAttempts tries.
absl::Status MakePathsUnique(std::vector<MetainfoFile>* files);

}  // namespace torrent

#endif  // TORRENT_METAINFO_PATH_CLEANER_H_
