package cli

import (
	// The formats that tables are read from, besides text and IDX.
	_ "github.com/gradus-ml/gradus/data/parquet"
)
