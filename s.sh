resourcelock get i2c-1 --owner-pid $$ -t 0.1s -q || exit
echo "talk to the sensor"
resourcelock unget i2c-1 --owner-pid $$ -q
