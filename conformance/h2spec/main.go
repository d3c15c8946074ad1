// h2spec against a load balancer, which is found by its host name: `h2spec NAME PORT tls|plain REPORT`.
//
// The tool's own command sends the address that it dials as the authority. Here every name leads to
// this machine, so that the name of the load balancer is both, and all 146 cases run, the strict one
// included. The report is JUnit's XML.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/summerwind/h2spec"
	"github.com/summerwind/h2spec/config"
	"golang.org/x/net/dns/dnsmessage"
)

// What a case may wait for: a debug build on a machine that other tests keep busy.
const timeout = 3 * time.Second

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: h2spec NAME PORT tls|plain REPORT")
		os.Exit(2)
	}
	port, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: resolver}
	_, err = h2spec.Run(&config.Config{
		Host:         os.Args[1],
		Port:         port,
		Path:         "/",
		Timeout:      timeout,
		MaxHeaderLen: 4000,
		JUnitReport:  os.Args[4],
		Strict:       true,
		TLS:          os.Args[3] == "tls",
		Insecure:     true,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// resolver is one end of a pipe with a name server at the other.
func resolver(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go answer(theirs)
	return ours, nil
}

// answer serves queries with a length in front, as over TCP: 127.0.0.1 to A, nothing to all else.
func answer(connection net.Conn) {
	defer connection.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(connection, length[:]); err != nil {
			return
		}
		packet := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(connection, packet); err != nil {
			return
		}
		var message dnsmessage.Message
		if err := message.Unpack(packet); err != nil || len(message.Questions) != 1 {
			return
		}
		question := message.Questions[0]
		message.Response, message.Additionals = true, nil
		if question.Type == dnsmessage.TypeA {
			message.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class, TTL: 60},
				Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			}}
		}
		packet, err := message.Pack()
		if err != nil {
			return
		}
		if _, err := connection.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)); err != nil {
			return
		}
	}
}
