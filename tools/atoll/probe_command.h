/* `atoll probe`: examine the machine that this Linux runs on. */
#pragma once

int probe_command(int argc, char **argv);
