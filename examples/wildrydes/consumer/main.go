// Command consumer prints what comes into a stream, a record a line.
//
//	go run ./examples/wildrydes/consumer -stream wildrydes-summary
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/brookmere/brookmere/examples/wildrydes"
)

func main() {
	log.SetFlags(0)
	region := flag.String("region", "us-east-1", "AWS `region`")
	stream := flag.String("stream", wildrydes.Stream, "`name` of the stream")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(*region))
	if err != nil {
		log.Fatal(err)
	}
	err = wildrydes.Watch(ctx, kinesis.NewFromConfig(cfg), *stream, func(data []byte) { fmt.Printf("%s\n", bytes.TrimSuffix(data, []byte("\n"))) })
	if err != nil {
		log.Fatal(err)
	}
}
