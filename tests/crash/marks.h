// What the workload notes in dm-log-writes' log, so that it stands in order with the writes: words
// with commas between them, since a mark may hold no blank.
//
//   slice,NAME,START,SECTORS             a device is this part of what is logged
//   target,SECTORS,DATA_OFFSET,TABLE     the target's table line, with ':' for blanks
//   filled                               main holds what it is to begin with, flushed
//   begin,ID,KIND,SECTOR,SECTORS,FUA     KIND is write, flush or discard
//   end,ID,ERRNO
//   say,ID,MESSAGE                       a message to the target, with ':' for blanks
//   said,ID,ERRNO
//   bad,SECTOR,SECTORS                   from here on these of main may fail …
//   is_bad,SECTOR,SECTORS                … and from here on they do
//   good,SECTOR,SECTORS                  the same for becoming well again
//   is_good,SECTOR,SECTORS
//
// Sectors are the target's.
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace remapfleet::crash {

inline std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, separator);) words.push_back(word);
  return words;
}

inline std::string Replaced(std::string text, char from, char to) {
  for (char& c : text)
    if (c == from) c = to;
  return text;
}

}  // namespace remapfleet::crash
