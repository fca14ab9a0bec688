#!/bin/sh
# Stands for mail(1) in the blocks of the documentation: prints its words, and what it would send.
echo "mail $*"
cat
