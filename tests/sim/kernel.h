// All of the simulated kernel's headers; each <linux/….h> of the target is this file.
#pragma once
#include "kernel/dm.h"
