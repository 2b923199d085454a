package apigateway

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// CreateResource, GetResource, GetResources, UpdateResource, DeleteResource.
//
// An API has up to 300 resources. Siblings differ in their path parts, and only one of them may be
// a variable.

const maxResources = 300

var pathPart = regexp.MustCompile(`^(\{[A-Za-z0-9._-]+\+?\}|[A-Za-z0-9._:$-]+)$`)

// checkPart refuses a path part that an API cannot have below a parent.
func (d *apiDoc) checkPart(self, parent, part string) error {
	if !pathPart.MatchString(part) {
		return badRequest("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
	}
	for _, id := range d.children(parent) {
		o := d.Resources[id]
		switch {
		case id == self:
		case o.Part == part:
			return conflict("Another resource with the same parent already has this name: %s", part)
		case strings.HasPrefix(o.Part, "{") && strings.HasPrefix(part, "{"):
			return badRequest("A sibling (%s) of this resource already has a variable path part -- only one is allowed", o.Part)
		}
	}
	for r := d.Resources[parent]; r != nil && r.Parent != ""; r = d.Resources[r.Parent] {
		if strings.HasSuffix(r.Part, "+}") {
			return badRequest("Cannot create a child of a resource with a greedy path variable: %s", r.Part)
		}
		if strings.HasPrefix(part, "{") && r.Part == part {
			return badRequest("The path variable %s is used twice in a path", part)
		}
	}
	return nil
}

// CreateResource makes a resource below another.
func (s *Service) CreateResource(ctx context.Context, in *apigateway.CreateResourceInput, _ ...func(*apigateway.Options)) (*apigateway.CreateResourceOutput, error) {
	var made types.Resource
	_, err := s.change(ctx, in.RestApiId, func(d *apiDoc) error {
		if _, err := d.resource(in.ParentId); err != nil {
			return err
		}
		if len(d.Resources) >= maxResources {
			return &types.LimitExceededException{Message: aws.String("Maximum number of resources for this API has been reached.")}
		}
		if err := d.checkPart("", *in.ParentId, *in.PathPart); err != nil {
			return err
		}
		r := &resourceDoc{ID: newID(6), Parent: *in.ParentId, Part: *in.PathPart}
		d.Resources[r.ID] = r
		made = d.outputResource(r, false)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.CreateResourceOutput{Id: made.Id, ParentId: made.ParentId, Path: made.Path, PathPart: made.PathPart}, nil
}

// GetResource returns a resource; its methods whole where "methods" is to be embedded.
func (s *Service) GetResource(ctx context.Context, in *apigateway.GetResourceInput, _ ...func(*apigateway.Options)) (*apigateway.GetResourceOutput, error) {
	d, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	r, err := d.resource(in.ResourceId)
	if err != nil {
		return nil, err
	}
	o := d.outputResource(r, slices.Contains(in.Embed, "methods"))
	return &apigateway.GetResourceOutput{Id: o.Id, ParentId: o.ParentId, Path: o.Path, PathPart: o.PathPart, ResourceMethods: o.ResourceMethods}, nil
}

// GetResources lists the resources of an API by path.
func (s *Service) GetResources(ctx context.Context, in *apigateway.GetResourcesInput, _ ...func(*apigateway.Options)) (*apigateway.GetResourcesOutput, error) {
	d, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	all := make([]*resourceDoc, 0, len(d.Resources))
	for _, r := range d.Resources {
		all = append(all, r)
	}
	key := func(r *resourceDoc) string { return d.path(r) + "\x00" + r.ID }
	slices.SortFunc(all, func(a, b *resourceDoc) int { return strings.Compare(key(a), key(b)) })
	list, next, err := pageOf(all, key, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetResourcesOutput{Items: []types.Resource{}, Position: next}
	for _, r := range list {
		out.Items = append(out.Items, d.outputResource(r, slices.Contains(in.Embed, "methods")))
	}
	return out, nil
}

// UpdateResource renames or moves a resource.
func (s *Service) UpdateResource(ctx context.Context, in *apigateway.UpdateResourceInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateResourceOutput, error) {
	var o types.Resource
	_, err := s.change(ctx, in.RestApiId, func(d *apiDoc) error {
		r, err := d.resource(in.ResourceId)
		if err != nil {
			return err
		}
		part, parent := &r.Part, &r.Parent
		err = patches{"/pathPart": setText(&part), "/parentId": setText(&parent)}.replace(in.PatchOperations, "/parentId", "/pathPart")
		if err != nil {
			return err
		}
		if d.Root == r.ID {
			for _, o := range in.PatchOperations {
				return badRequest("Root resource cannot update its %s.", (*o.Path)[1:])
			}
			o = d.outputResource(r, false)
			return nil
		}
		r.Part, r.Parent = aws.ToString(part), aws.ToString(parent)
		seen := 0
		for up := d.Resources[r.Parent]; up == nil || up.Parent != ""; up = d.Resources[up.Parent] {
			if seen++; up == nil {
				return invalidResource()
			}
			if up.ID == r.ID || seen > maxResources {
				return badRequest("Resources cannot be cyclical.")
			}
		}
		if err := d.checkPart(r.ID, r.Parent, r.Part); err != nil {
			return err
		}
		o = d.outputResource(r, false)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.UpdateResourceOutput{Id: o.Id, ParentId: o.ParentId, Path: o.Path, PathPart: o.PathPart, ResourceMethods: o.ResourceMethods}, nil
}

// DeleteResource removes a resource and all below it.
func (s *Service) DeleteResource(ctx context.Context, in *apigateway.DeleteResourceInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteResourceOutput, error) {
	_, err := s.change(ctx, in.RestApiId, func(d *apiDoc) error {
		r, err := d.resource(in.ResourceId)
		if err != nil {
			return err
		}
		if r.Parent == "" {
			return badRequest("Root resource cannot be deleted")
		}
		d.remove(r.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigateway.DeleteResourceOutput{}, nil
}

func (d *apiDoc) remove(id string) {
	for _, c := range d.children(id) {
		d.remove(c)
	}
	delete(d.Resources, id)
}
