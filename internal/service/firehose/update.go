package firehose

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// UpdateDestination changes what it names of the destination and leaves the rest. The
// change takes over when all that was buffered under the old configuration is delivered.
//
// Limits: as with AWS the kind of a destination stays, S3 in its two forms aside, and a
// backup that was enabled stays enabled; and so does dynamic partitioning, which a stream
// has from its creation or never.
func (s *Service) UpdateDestination(ctx context.Context, in *firehose.UpdateDestinationInput, _ ...func(*firehose.Options)) (*firehose.UpdateDestinationOutput, error) {
	up, err := update(in)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.DeliveryStreamName)
	change := func(d *streamDoc) error {
		if aws.ToString(in.DestinationId) != destinationID {
			return invalid("Destination Id %s not found", aws.ToString(in.DestinationId))
		}
		if v := aws.ToString(in.CurrentDeliveryStreamVersionId); v != strconv.Itoa(d.Version) {
			m := "Cannot update firehose: " + d.Name + " since the current version id: " + strconv.Itoa(d.Version) + " and specified version id: " + v + " do not match"
			return &types.ConcurrentModificationException{Message: &m}
		}
		if (in.HttpEndpointDestinationUpdate != nil) != (d.HTTP != nil) {
			return invalid("The destination of a delivery stream cannot be changed to one of another type")
		}
		backed, partitioned := d.backs(), d.S3.partitions()
		if h := in.HttpEndpointDestinationUpdate; h != nil {
			d.HTTP.configure(h)
			if err := d.HTTP.validate(h.SecretsManagerConfiguration); err != nil {
				return err
			}
		}
		d.S3.configure(up)
		if b := up.S3BackupUpdate; b != nil {
			if d.Backup == nil {
				d.Backup = new(s3Config)
			}
			d.Backup.configurePlain(&types.S3DestinationConfiguration{
				BucketARN: b.BucketARN, BufferingHints: b.BufferingHints, CloudWatchLoggingOptions: b.CloudWatchLoggingOptions,
				CompressionFormat: b.CompressionFormat, EncryptionConfiguration: b.EncryptionConfiguration,
				ErrorOutputPrefix: b.ErrorOutputPrefix, Prefix: b.Prefix, RoleARN: b.RoleARN,
			})
		}
		if backed && !d.backs() && d.HTTP == nil {
			return invalid("S3BackupMode cannot be changed from Enabled to Disabled")
		}
		if d.S3.partitions() != partitioned {
			return invalid("Dynamic Partitioning can be enabled only when a delivery stream is created, and cannot be disabled.")
		}
		d.Transforms = d.Transforms || d.processing().find(types.ProcessorTypeLambda) != nil
		if err := s.validate(d); err != nil {
			return err
		}
		d.Version++
		d.Updated = s.clock.Now().UTC()
		return nil
	}
	st, err := s.lookup(ctx, name)
	if err != nil {
		return nil, err
	}
	if d := st.doc.Load(); d.Deleting {
		return nil, notFound(d.Account, d.Name)
	}
	st.updating.Lock()
	defer st.updating.Unlock()
	if d := st.doc.Load(); d.Deleting {
		return nil, notFound(d.Account, d.Name)
	}
	// See first what the change comes to: it may be another way for the records to go.
	old := st.doc.Load()
	next, err := old.clone()
	if err != nil {
		return nil, err
	}
	if err := change(next); err != nil {
		return nil, err
	}
	if up.DataFormatConversionConfiguration != nil {
		if err := s.checkSchema(ctx, next); err != nil {
			return nil, err
		}
	}
	if next.Transforms == old.Transforms && next.backs() == old.backs() {
		if err := s.modify(ctx, name, change); err != nil {
			return nil, err
		}
		return &firehose.UpdateDestinationOutput{}, nil
	}
	if err := st.reroute(ctx, next.Transforms && !old.Transforms, next.backs() && !old.backs(), func() error { return s.modify(ctx, name, change) }); err != nil {
		return nil, err
	}
	return &firehose.UpdateDestinationOutput{}, nil
}

// update is the S3 destination of a request.
func update(in *firehose.UpdateDestinationInput) (*types.ExtendedS3DestinationUpdate, error) {
	//lint:ignore SA1019 clients still send it
	plain := in.S3DestinationUpdate
	n := 0
	for _, there := range []bool{
		plain != nil, in.ExtendedS3DestinationUpdate != nil, in.HttpEndpointDestinationUpdate != nil, in.AmazonOpenSearchServerlessDestinationUpdate != nil,
		in.AmazonopensearchserviceDestinationUpdate != nil, in.ElasticsearchDestinationUpdate != nil, in.IcebergDestinationUpdate != nil,
		in.RedshiftDestinationUpdate != nil, in.SnowflakeDestinationUpdate != nil, in.SplunkDestinationUpdate != nil,
	} {
		if there {
			n++
		}
	}
	if n != 1 {
		return nil, invalid("Exactly one destination configuration is supported for a Firehose")
	}
	switch h := in.HttpEndpointDestinationUpdate; {
	case in.ExtendedS3DestinationUpdate != nil:
		return in.ExtendedS3DestinationUpdate, nil
	case h != nil && h.S3Update == nil:
		return new(types.ExtendedS3DestinationUpdate), nil
	case h != nil:
		plain = h.S3Update
	case plain == nil:
		return nil, invalid("Only S3 and HTTP endpoint destinations are supported by Brookmere")
	}
	return &types.ExtendedS3DestinationUpdate{
		BucketARN: plain.BucketARN, BufferingHints: plain.BufferingHints, CloudWatchLoggingOptions: plain.CloudWatchLoggingOptions,
		CompressionFormat: plain.CompressionFormat, EncryptionConfiguration: plain.EncryptionConfiguration,
		ErrorOutputPrefix: plain.ErrorOutputPrefix, Prefix: plain.Prefix, RoleARN: plain.RoleARN,
	}, nil
}

// clone is a copy that shares nothing.
func (d *streamDoc) clone() (*streamDoc, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	c := new(streamDoc)
	return c, json.Unmarshal(b, c)
}

// reroute stops the delivery, changes the configuration and starts again, where records
// are to go another way: a backup begins with what is not delivered yet, and so does a
// transformation, which needs the delivery to be at rest.
func (st *stream) reroute(ctx context.Context, transform, backup bool, change func() error) error {
	s, d := st.s, st.doc.Load()
	if here, err := s.runner.Begun(ctx, d.path()...); err != nil {
		return err
	} else if !here {
		return busy(d) // the process that delivers it has to be asked
	}
	var p progressDoc
	var resume func()
	for try := 0; ; try++ {
		if transform {
			flush, cancel := context.WithTimeout(ctx, s.updateWait)
			err := st.flush(flush)
			cancel()
			if err != nil && (try == 0 || errors.Is(err, errElsewhere)) {
				return busy(d)
			}
		}
		var err error
		if resume, err = s.runner.Suspend(ctx, d.path()...); err != nil {
			return err
		}
		var rest bool
		if p, rest, err = st.mainProgress(); err == nil && (rest || !transform) {
			break
		}
		resume()
		if err != nil {
			return err
		}
		if try == 5 {
			return busy(d)
		}
	}
	prepare := func() error {
		if transform {
			doc := document{store: s.cfg.State, key: state.Key{markKind, d.Account, d.Region, d.ID, mainLane + transformedSuffix}}
			if err := doc.save(ctx, markDoc{&recordplan.TransformMark{Source: p.Watermark}, p.Kinesis}); err != nil {
				return err
			}
		}
		if backup {
			doc := document{store: s.cfg.State, key: state.Key{progressKind, d.Account, d.Region, d.ID, mainLane + backupSuffix}}
			old := progressDoc{Progress: new(delivery.Progress)}
			if err := doc.load(&old); err != nil {
				return err
			}
			if doc.rev == 0 { // else it was on before, and goes on where it was
				if err := doc.save(ctx, progressDoc{&delivery.Progress{Watermark: p.Watermark}, p.Kinesis}); err != nil {
					return err
				}
			}
		}
		return change()
	}
	err := prepare()
	resume()
	if err != nil {
		return err
	}
	if _, err = st.working(ctx); errors.Is(err, errElsewhere) {
		return nil
	}
	return err
}

func busy(d *streamDoc) error {
	m := "Firehose " + d.Name + " is delivering; a change of the way its records go has to wait. Try again."
	return &types.ResourceInUseException{Message: &m}
}

// mainProgress reads how far the delivery to the destination is, and whether all of it is
// at rest.
func (st *stream) mainProgress() (p progressDoc, rest bool, err error) {
	s, d := st.s, st.doc.Load()
	p = progressDoc{Progress: new(delivery.Progress)}
	if d.Transforms {
		// The transformer is what reads the source.
		m := markDoc{TransformMark: new(recordplan.TransformMark)}
		doc := document{store: s.cfg.State, key: state.Key{markKind, d.Account, d.Region, d.ID, mainLane + transformedSuffix}}
		if err := doc.load(&m); err != nil {
			return p, false, err
		}
		p.Watermark, p.Kinesis = m.Source, m.Kinesis
		return p, true, nil
	}
	doc := document{store: s.cfg.State, key: state.Key{progressKind, d.Account, d.Region, d.ID, mainLane}}
	if err := doc.load(&p); err != nil {
		return p, false, err
	}
	return p, len(p.Flushed) == 0 && len(p.Intents) == 0, nil
}
