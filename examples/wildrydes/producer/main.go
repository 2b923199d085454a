// Command producer flies unicorns: it puts a reading a second of each into a stream.
//
//	go run ./examples/wildrydes/producer -name Shadowfax -name Rocinante
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/brookmere/brookmere/examples/wildrydes"
)

func main() {
	log.SetFlags(0)
	var names []string
	flag.Func("name", "`name` of a unicorn; may be repeated (default Shadowfax)", func(s string) error { names = append(names, s); return nil })
	region := flag.String("region", "us-east-1", "AWS `region`")
	stream := flag.String("stream", wildrydes.Stream, "`name` of the stream")
	quiet := flag.Bool("quiet", false, "do not print the readings")
	flag.Parse()
	if len(names) == 0 {
		names = []string{"Shadowfax"}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(*region))
	if err != nil {
		log.Fatal(err)
	}
	put := func(data []byte) { os.Stdout.Write(data) }
	if *quiet {
		put = nil
	}
	if err := wildrydes.Fly(ctx, kinesis.NewFromConfig(cfg), *stream, names, put); err != nil {
		log.Fatal(err)
	}
}
