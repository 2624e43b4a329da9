#include "torrent/bencode.h"
#include "torrent/metainfo.h"

namespace torrent {

std::string EncodeMetainfo(const Metainfo& metainfo) {
  bencode::Encoder e;
  e.BeginDictionary();
  if (!metainfo.trackers.empty()) {
    e.Key("announce").String(metainfo.trackers.front().front());
    e.Key("announce-list").BeginList();
    for (const std::vector<std::string>& tier : metainfo.trackers) {
      e.BeginList();
      for (const std::string& url : tier) e.String(url);
      e.End();
    }
    e.End();
  }
  if (!metainfo.comment.empty()) e.Key("comment").String(metainfo.comment);
  if (!metainfo.created_by.empty()) e.Key("created by").String(metainfo.created_by);
  if (metainfo.creation_date) e.Key("creation date").Integer(*metainfo.creation_date);
  e.Key("info").Raw(metainfo.info_bytes);
  if (!metainfo.nodes.empty()) {
    e.Key("nodes").BeginList();
    for (const auto& [host, port] : metainfo.nodes) e.BeginList().String(host).Integer(port).End();
    e.End();
  }
  if (!metainfo.web_seeds.empty()) {
    e.Key("url-list").BeginList();
    for (const std::string& url : metainfo.web_seeds) e.String(url);
    e.End();
  }
  e.End();
  return e.Take();
}

}  // namespace torrent
