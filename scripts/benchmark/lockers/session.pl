# Takes and releases a lock COUNT times, and prints how many microseconds each took: by a session, or by the command flock.
# usage: session.pl session|flock PROGRAM LOCK FILE COUNT
use strict;
use warnings;
use IPC::Open2;
use Time::HiRes qw(time);

my ($side, $program, $lock, $file, $count) = @ARGV;
my ($answers, $requests);
open2($answers, $requests, $program, "session") if $side eq "session";

sub section {
    if ($side eq "session") {
        for my $request ("get -q", "unget -q") {
            print $requests "$request $lock\n";
            <$answers> =~ /^0 / or exit 1;
        }
    } else {
        system("flock", $file, "true") == 0 or exit 1;
    }
}

section();
my $start = time;
section() for 1 .. $count;
print((time() - $start) / $count * 1e6, "\n");
