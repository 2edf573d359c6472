// What the in-process side has to say to the person who runs the application: a line on standard
// error. Any thread, also in a forked child: no locks, one write.
#pragma once

#include <string_view>

namespace vedette::sdk {

void complain(std::string_view message);

}  // namespace vedette::sdk
