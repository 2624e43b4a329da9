// As src/precompiled.h, for tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/precompiled.h"
