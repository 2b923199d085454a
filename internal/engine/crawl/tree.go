package crawl

import (
	"crypto/md5"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Which folders are tables and which are partitions.
//
// From the leaves up: the objects of a folder and the folders in it that each make up
// one table, alike in format and columns, make up one table together; their folder is
// then the table, and what is in it its partitions. Where they are not alike, each
// folder is a table of its own.

// file is an object with what was found in it.
type file struct {
	Object
	read    bool
	format  Format
	columns Columns
	records int64
	why     string // it is Unknown
}

// folder is a level of the listing; folders are in the order of their names.
type folder struct {
	path    string // ends in "/", or is empty
	name    string
	depth   int
	files   []*file
	folders []*folder
	byName  map[string]*folder
}

func (f *folder) add(rel string, obj Object) {
	for {
		name, rest, ok := strings.Cut(rel, "/")
		if !ok {
			f.files = append(f.files, &file{Object: obj})
			return
		}
		sub := f.byName[name]
		if sub == nil {
			sub = &folder{path: f.path + name + "/", name: name, depth: f.depth + 1}
			if f.byName == nil {
				f.byName = make(map[string]*folder)
			}
			f.byName[name] = sub
			f.folders = append(f.folders, sub)
		}
		f, rel = sub, rest
	}
}

// sample appends the files to read: all, or the first n of each folder.
func (f *folder) sample(n int, to []*file) []*file {
	files := f.files
	if n > 0 && len(files) > n {
		files = files[:n]
	}
	to = append(to, files...)
	for _, sub := range f.folders {
		to = sub.sample(n, to)
	}
	return to
}

// group is what makes up one table.
type group struct {
	format  Format
	schema  schema
	stats   Statistics
	folders []*leaf // where its files are
	depth   int     // levels of folders above every file, from the folder it stands for
}

// leaf is a folder with the files in it, or below it, of one group.
type leaf struct {
	folder *folder
	group  *group // of the folder alone
}

type grouper struct {
	options Options
	root    string
	names   map[string]bool
}

// similarity is the share of columns that two schemas must have in common.
const similarity = 0.7

func (g *grouper) alike(a, b *group) bool {
	if !a.format.same(b.format) {
		return false
	}
	if g.options.Combine || g.options.TableLevel > 0 {
		return true
	}
	n, m := len(a.schema.columns), len(b.schema.columns)
	if a.format.Classification == CSV && !a.format.Header && n != m {
		return false
	}
	return similar(&a.schema, &b.schema, a.format.Classification)
}

func similar(a, b *schema, c Classification) bool {
	common := 0
	for name, i := range a.index {
		if j, ok := b.index[name]; ok && compatible(a.columns[i].Type, b.columns[j].Type) {
			common++
		}
	}
	of := max(len(a.columns), len(b.columns))
	if c == JSON {
		of = min(len(a.columns), len(b.columns)) // members may be left out
	}
	return float64(common) >= similarity*float64(of)
}

// Similar says whether files of that format with columns a and b could make up one table.
func Similar(a, b Columns, c Classification) bool {
	x, y := newSchema(a), newSchema(b)
	return similar(&x, &y, c)
}

func (a *group) merge(b *group) {
	a.format.Quoted = a.format.Quoted || b.format.Quoted
	a.schema.merge(&b.schema)
	a.stats.add(b.stats)
}

// own groups the files of a folder itself: one group if they are alike, else nil and the
// readable files each as a group. Files that were not read count with the others.
func (g *grouper) own(f *folder) (*group, []*file) {
	var all *group
	var known []*file
	var unread Statistics
	for _, fl := range f.files {
		if !fl.read {
			unread.Objects++
			unread.Bytes += fl.Size
			continue
		}
		if fl.format.Classification == Unknown {
			continue
		}
		known = append(known, fl)
	}
	for i, fl := range known {
		one := groupOf(fl)
		switch {
		case i == 0:
			all = one
		case !g.alike(all, one):
			return nil, known
		default:
			all.merge(one)
		}
	}
	if all == nil {
		return nil, nil
	}
	if unread.Objects > 0 && all.stats.Bytes > 0 {
		unread.Records = all.stats.Records * unread.Bytes / all.stats.Bytes
		all.stats.add(unread)
	}
	all.folders = []*leaf{{f, all}}
	return all, known
}

func groupOf(fl *file) *group {
	s := newSchema(fl.columns)
	s.xml = fl.format.RowTag != "" || fl.format.Classification == XML
	return &group{format: fl.format, schema: s, stats: Statistics{1, fl.Size, fl.records}}
}

// whole makes one group of all that is below f, or nil.
func (g *grouper) whole(f *folder) *group {
	own, known := g.own(f)
	if own == nil && len(known) > 0 {
		return nil
	}
	result := own
	if result != nil {
		c := *own
		c.schema = own.schema.clone()
		result = &c
	}
	for _, sub := range f.folders {
		w := g.whole(sub)
		if w == nil {
			if sub.hasKnown() {
				return nil
			}
			continue
		}
		if result == nil {
			c := *w
			c.schema = w.schema.clone()
			c.depth++
			c.folders = slices.Clone(w.folders)
			result = &c
			continue
		}
		if !g.alike(result, w) {
			return nil
		}
		result.merge(w)
		result.depth = min(result.depth, w.depth+1)
		result.folders = append(result.folders, w.folders...)
	}
	return result
}

func (f *folder) hasKnown() bool {
	for _, fl := range f.files {
		if fl.read && fl.format.Classification != Unknown {
			return true
		}
	}
	return slices.ContainsFunc(f.folders, (*folder).hasKnown)
}

// tables finds the tables below f.
func (g *grouper) tables(f *folder) []Table {
	if level := g.options.TableLevel; level == 0 || f.depth >= level {
		if w := g.whole(f); w != nil {
			return []Table{g.table(f, w)}
		}
	}
	var tables []Table
	// One file beside folders of other tables is a table alone: that of the folder would
	// take in theirs.
	if own, known := g.own(f); own != nil && (len(known) > 1 || !slices.ContainsFunc(f.folders, (*folder).hasKnown)) {
		own.depth = 0
		tables = append(tables, g.table(f, own))
	} else {
		for _, fl := range known {
			one := groupOf(fl)
			tables = append(tables, Table{
				Name: g.name(fl.Key), Path: fl.Key, Format: one.format,
				Columns: one.schema.result(), Statistics: one.stats,
			})
		}
	}
	for _, sub := range f.folders {
		tables = append(tables, g.tables(sub)...)
	}
	if len(tables) == 0 && !f.hasKnown() {
		if t, ok := g.unknown(f); ok {
			tables = append(tables, t)
		}
	}
	return tables
}

// unknown is the table, without columns, of a folder whose files no classifier takes.
func (g *grouper) unknown(f *folder) (Table, bool) {
	t := Table{Format: Format{Classification: Unknown, Compression: "none"}}
	for _, fl := range f.files {
		if fl.read {
			t.Objects++
			t.Bytes += fl.Size
		}
	}
	if t.Objects == 0 {
		return t, false
	}
	t.Name, t.Path = g.name(f.path), f.path
	return t, true
}

// table makes the table of a folder: the levels of folders that lie above all its files
// are partition keys.
func (g *grouper) table(f *folder, w *group) Table {
	t := Table{Name: g.name(f.path), Path: f.path, Format: w.format, Statistics: w.stats}
	if w.depth > 0 {
		t.PartitionKeys, t.Partitions = partitions(f, w, g.options.Remark)
	}
	for _, c := range w.schema.result() {
		if !slices.ContainsFunc(t.PartitionKeys, func(k Column) bool { return k.Name == c.Name }) {
			t.Columns = append(t.Columns, c)
		}
	}
	return t
}

func partitions(f *folder, w *group, remark func(path, why string)) ([]Column, []Partition) {
	names := make([]string, w.depth) // the key of each level, while all folders agree
	plain := make([]bool, w.depth)
	index := make(map[string]int)
	var parts []Partition
	var groups []*group
	for _, l := range w.folders {
		segments := strings.Split(strings.TrimSuffix(l.folder.path[len(f.path):], "/"), "/")[:w.depth]
		for i, s := range segments {
			k, _, ok := strings.Cut(s, "=")
			k = columnName(k)
			switch {
			case !ok || k == "" || names[i] != "" && names[i] != k:
				plain[i] = true
			default:
				names[i] = k
			}
		}
		path := f.path + strings.Join(segments, "/") + "/"
		n, ok := index[path]
		if !ok {
			n = len(parts)
			index[path] = n
			parts = append(parts, Partition{Path: path})
			groups = append(groups, &group{format: l.group.format, schema: l.group.schema.clone(), stats: l.group.stats})
			continue
		}
		groups[n].merge(l.group)
	}
	keys := make([]Column, w.depth)
	taken := make(map[string]bool)
	unnamed := 0
	for i := range keys {
		if plain[i] || taken[names[i]] {
			plain[i] = true
			names[i] = "partition_" + itoa(unnamed)
			unnamed++
		}
		taken[names[i]] = true
		keys[i] = Column{names[i], stringType}
	}
	seen := make(map[string]string)
	kept := parts[:0]
	for n := range parts {
		p := parts[n]
		for i, s := range strings.Split(strings.TrimSuffix(p.Path[len(f.path):], "/"), "/") {
			if !plain[i] {
				_, s, _ = strings.Cut(s, "=")
				s = hivetype.UnescapePath(s)
			}
			if s == "" {
				s = "__HIVE_DEFAULT_PARTITION__"
			}
			p.Values = append(p.Values, s)
		}
		key := strings.Join(p.Values, "\x00")
		if other, ok := seen[key]; ok { // their names decode to the same values
			remark(p.Path, "its partition is the folder "+other+" already")
			continue
		}
		seen[key] = p.Path
		p.Format, p.Statistics = groups[n].format, groups[n].stats
		for _, c := range groups[n].schema.result() {
			if !taken[c.Name] {
				p.Columns = append(p.Columns, c)
			}
		}
		kept = append(kept, p)
	}
	return keys, kept
}

// name makes a table name of the last part of a path; a second table of that name gets a
// hash of its path.
func (g *grouper) name(path string) string {
	last := strings.TrimSuffix(path, "/")
	last = last[strings.LastIndexByte(last, '/')+1:]
	if last == "" {
		last = g.root
	}
	n := TableName(last)
	if g.names[n] {
		sum := md5.Sum([]byte(path))
		n += "_" + hex.EncodeToString(sum[:])
	}
	g.names[n] = true
	return n
}

// TableName is a folder's name with all but letters, digits and underscores replaced.
func TableName(s string) string {
	b := []byte(strings.ToLower(s))
	for i, c := range b {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			b[i] = '_'
		}
	}
	if len(b) > 200 {
		b = b[:200]
	}
	if len(b) == 0 {
		return "table"
	}
	return string(b)
}
