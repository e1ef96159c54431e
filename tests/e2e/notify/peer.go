// SPDX-License-Identifier: BSD-2-Clause

// peer.go - a static Go program on the stack: server, client, a churn of connections under preemption signals, and what it sees.
//
//	peer serve ADDRESS | get URL | churn ADDRESS COUNT | interfaces | self
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

func main() {
	switch os.Args[1] {
	case "serve":
		l, err := net.Listen("tcp", os.Args[2])
		check(err)
		fmt.Println("listening")
		http.HandleFunc("/bytes/", func(w http.ResponseWriter, r *http.Request) {
			n, _ := strconv.Atoi(r.URL.Path[7:])
			buf := make([]byte, 65536)
			for i := range buf {
				buf[i] = byte(i)
			}
			for n > 0 {
				k := min(n, len(buf))
				w.Write(buf[:k])
				n -= k
			}
		})
		check(http.Serve(l, nil))
	case "get":
		r, err := http.Get(os.Args[2])
		check(err)
		hash := sha256.New()
		n, err := io.Copy(hash, r.Body)
		check(err)
		fmt.Printf("%d %d %x\n", r.StatusCode, n, hash.Sum(nil))
	case "churn":
		churn(os.Args[2])
	case "self": // name, directory, process, and whether descriptor 7 is open
		dir, err := os.Getwd()
		check(err)
		_, err = os.NewFile(7, "7").Stat()
		fmt.Println(os.Args[0], dir, os.Getpid(), err == nil)
	case "interfaces":
		ifs, err := net.Interfaces()
		check(err)
		for _, i := range ifs {
			a, err := i.Addrs()
			check(err)
			fmt.Println(i.Name, a)
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

// Thousands of connections, while the garbage collector sends its preemption signals.
func churn(address string) {
	count, _ := strconv.Atoi(os.Args[3])
	l, err := net.Listen("tcp", address)
	check(err)
	stop := make(chan bool)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = make([]byte, 1<<20)
				runtime.GC()
			}
		}
	}()
	for i := 0; i < 4; i++ {
		go func() {
			x := 0
			for {
				x++
			}
		}()
	}
	served := 0
	done := make(chan bool)
	go func() {
		for served < count {
			c, err := l.Accept()
			check(err)
			served++
			go func() { io.Copy(c, c); c.Close() }()
		}
		done <- true
	}()
	var wg sync.WaitGroup
	for t := 0; t < 8; t++ {
		wg.Add(1)
		go func(t int) {
			defer wg.Done()
			for i := 0; i < count/8; i++ {
				c, err := net.DialTimeout("tcp", address, 20*time.Second)
				check(err)
				want := fmt.Sprintf("%d/%d", t, i)
				fmt.Fprint(c, want)
				check(c.(*net.TCPConn).CloseWrite())
				got, err := io.ReadAll(c)
				check(err)
				if string(got) != want {
					check(fmt.Errorf("got %q for %q", got, want))
				}
				c.Close()
			}
		}(t)
	}
	wg.Wait()
	<-done
	close(stop)
	fmt.Println("served", served)
}
