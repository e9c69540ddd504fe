package cli

type explainCmd struct{}
type compareCmd struct{}
type notebookCmd struct{}

func (explainCmd) Run(e *env) error  { return nil }
func (compareCmd) Run(e *env) error  { return nil }
func (notebookCmd) Run(e *env) error { return nil }
