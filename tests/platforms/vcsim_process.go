// A vCenter that is simulated by govmomi's vcsim, as a process of its own, with orders from a test.
//
// The first line that it writes is its address, the rest of it until an empty line its certificate; it ends
// with its input. A line of JSON there is an order, and is answered by a line:
//
//	{"order": "set", "vm": NAME, "property": "runtime.connectionState", "value": "disconnected"}
//	{"order": "task", "vm": NAME, "state": "running"}    a task of this machine's
//	{"order": "page", "size": 2}                         objects on a page of properties; 0: all
//	{"order": "fail", "after": 0}                        calls fail, from the first page, the second, …; -1: none does
//	{"order": "lose", "methods": ["CloneVM_Task"]}       these are done, and their answers are lost
//	{"order": "end", "method": NAME, "fault": TYPE}      such tasks end in this fault, and do nothing; "": they don't
//	{"order": "hang", "method": NAME}                    such tasks don't end, and do nothing
//
// With "running": true, these two are of machines that are powered on, and of no others.
//
// A name that a machine has can't be cloned to: vcsim takes one twice, and a vCenter doesn't.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var (
	lock   sync.Mutex
	size   = 0
	after  = -1
	rest   = map[string][]types.ObjectContent{} // by token: every session has a collector of its own
	lost   = map[string]bool{}                  // by method
	ends   = map[string]string{}                // by method: the fault that its tasks end in; "": they don't end
	onlyOn = false                              // of machines that are powered on
	asked  = regexp.MustCompile(`_this[^>]*>([^<]*)<`)
	called = regexp.MustCompile(`Body[^>]*><(?:\w+:)?(\w+)`)
	named  = regexp.MustCompile(`<name[^>]*>([^<]*)</name>`)
)

const envelope = `<?xml version="1.0"?><Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Body>%s</Body></Envelope>`

// faulty is what stands between clients and vcsim.
func faulty(vcsim http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		method, on := part(called, body), runs(part(asked, body))
		lock.Lock()
		loses := lost[method]
		fault, wrong := ends[method]
		spares := onlyOn && !on
		lock.Unlock()
		if wrong && !spares {
			fmt.Fprintf(w, envelope, ended(method, fault))
			return
		}
		if method == "CloneVM_Task" {
			if name := part(named, body); exists(name) {
				w.WriteHeader(http.StatusInternalServerError)
				fmt.Fprintf(w, envelope, `<Fault><faultcode>ServerFaultCode</faultcode>
<faultstring>The name '`+name+`' already exists.</faultstring><detail>
<DuplicateNameFault xmlns="urn:vim25" xsi:type="DuplicateName"><name>`+name+`</name></DuplicateNameFault></detail></Fault>`)
				return
			}
		}
		if !loses {
			vcsim.ServeHTTP(w, r)
			return
		}
		vcsim.ServeHTTP(httptest.NewRecorder(), r)
		connection, _, _ := w.(http.Hijacker).Hijack()
		connection.Close()
	})
}

// part returns what a pattern finds in a body; nothing of one that is cut short, since its client was killed.
func part(pattern *regexp.Regexp, body []byte) string {
	if found := pattern.FindSubmatch(body); found != nil {
		return string(found[1])
	}
	return ""
}

// ended answers with a task that has ended in a fault, or that never ends.
func ended(method, fault string) string {
	task := simulator.CreateTask(simulator.Map.Any("VirtualMachine"), method, func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		kind, _ := types.TypeFunc()(fault)
		made := reflect.New(kind)
		for i := 0; i < kind.NumField(); i++ {
			if of, is := made.Elem().Field(i).Addr().Interface().(*types.ManagedObjectReference); is {
				*of = types.ManagedObjectReference{Type: "VirtualMachine", Value: "vm-0"}
				if kind.Field(i).Name == "Task" {
					of.Type = "Task"
				}
			}
		}
		return nil, made.Interface().(types.BaseMethodFault)
	})
	if fault != "" {
		task.Run()
	}
	return fmt.Sprintf(`<%sResponse xmlns="urn:vim25"><returnval type="Task">%s</returnval></%sResponse>`,
		method, task.Self.Value, method)
}

func runs(id string) bool {
	for _, one := range simulator.Map.All("VirtualMachine") {
		if vm := one.(*simulator.VirtualMachine); vm.Self.Value == id {
			return vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
		}
	}
	return false
}

func exists(name string) bool {
	for _, one := range simulator.Map.All("VirtualMachine") {
		if one.(*simulator.VirtualMachine).Name == name {
			return true
		}
	}
	return false
}

// paged is vcsim's collector with pages, which it hasn't, and with failures.
type paged struct {
	simulator.PropertyCollector
}

func (c *paged) page(all []types.ObjectContent, number int) (*types.RetrieveResult, types.BaseMethodFault) {
	lock.Lock()
	defer lock.Unlock()
	if after >= 0 && number >= after {
		return nil, &types.HostCommunication{}
	}
	if size == 0 || len(all) <= size {
		return &types.RetrieveResult{Objects: all}, nil
	}
	token := fmt.Sprintf("%d-%d", number+1, len(rest))
	rest[token] = all[size:]
	return &types.RetrieveResult{Objects: all[:size], Token: token}, nil
}

func (c *paged) RetrievePropertiesEx(ctx *simulator.Context, r *types.RetrievePropertiesEx) soap.HasFault {
	said := c.PropertyCollector.RetrievePropertiesEx(ctx, r)
	body, ok := said.(*methods.RetrievePropertiesExBody)
	if !ok || body.Res == nil || body.Res.Returnval == nil {
		return said
	}
	found, fault := c.page(body.Res.Returnval.Objects, 0)
	if fault != nil {
		return &methods.RetrievePropertiesExBody{Fault_: simulator.Fault("by order of a test", fault)}
	}
	body.Res.Returnval = found
	return body
}

func (c *paged) ContinueRetrievePropertiesEx(_ *simulator.Context, r *types.ContinueRetrievePropertiesEx) soap.HasFault {
	var number int
	fmt.Sscanf(r.Token, "%d-", &number)
	lock.Lock()
	left := rest[r.Token]
	lock.Unlock()
	found, fault := c.page(left, number)
	if fault != nil {
		return &methods.ContinueRetrievePropertiesExBody{Fault_: simulator.Fault("by order of a test", fault)}
	}
	lock.Lock()
	delete(rest, r.Token)
	lock.Unlock()
	return &methods.ContinueRetrievePropertiesExBody{
		Res: &types.ContinueRetrievePropertiesExResponse{Returnval: *found},
	}
}

type order struct {
	Order, Vm, Property, Value, State, Method, Fault string
	Methods                                          []string
	Size, After                                      int
	Running                                          bool
}

func machine(name string) *simulator.VirtualMachine {
	for _, one := range simulator.Map.All("VirtualMachine") {
		if vm := one.(*simulator.VirtualMachine); vm.Name == name {
			return vm
		}
	}
	panic("no machine " + name)
}

func value(said order) interface{} {
	switch said.Property {
	case "runtime.connectionState":
		return types.VirtualMachineConnectionState(said.Value)
	case "config.template":
		return said.Value == "true"
	}
	return said.Value
}

func obey(said order) {
	switch said.Order {
	case "page":
		size = said.Size
	case "fail":
		after = said.After
	case "lose":
		lost = map[string]bool{}
		for _, method := range said.Methods {
			lost[method] = true
		}
	case "end":
		onlyOn = said.Running
		ends = map[string]string{}
		if said.Fault != "" {
			ends[said.Method] = said.Fault
		}
	case "hang":
		onlyOn = said.Running
		ends = map[string]string{said.Method: ""}
	case "set":
		vm := machine(said.Vm)
		simulator.Map.Update(vm, []types.PropertyChange{{Name: said.Property, Val: value(said)}})
	case "task":
		vm := machine(said.Vm)
		task := simulator.CreateTask(vm, "migrate", nil)
		task.Info.State = types.TaskInfoState(said.State)
		simulator.Map.Update(vm, []types.PropertyChange{
			{Name: "recentTask", Val: []types.ManagedObjectReference{task.Self}},
		})
	}
}

// certificate makes one for 127.0.0.1, which is its own authority.
func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	said := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	made, err := x509.CreateCertificate(rand.Reader, said, said, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{made}, PrivateKey: key}
}

func main() {
	hosts, _ := strconv.Atoi(os.Args[1])
	machines, _ := strconv.Atoi(os.Args[2])
	model := simulator.VPX()
	model.Host, model.ClusterHost, model.Machine = 0, hosts, machines
	if err := model.Create(); err != nil {
		panic(err)
	}
	defer model.Remove()
	collector := &paged{}
	collector.Self = model.ServiceContent.PropertyCollector
	simulator.Map.Put(collector)
	own := certificate()
	model.Service.Listen = &url.URL{Host: "127.0.0.1:0", User: url.UserPassword("user", "pass")}
	server := model.Service.NewServer()
	front, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{own}})
	if err != nil {
		panic(err)
	}
	go http.Serve(front, faulty(model.Service.ServeMux))
	fmt.Printf("https://%s%s\n", front.Addr(), server.URL.Path)
	pem.Encode(os.Stdout, &pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]})
	fmt.Println()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var said order
		said.After = -1
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			panic(err)
		}
		lock.Lock()
		obey(said)
		lock.Unlock()
		fmt.Println("done")
	}
}
