package cli

import (
	// The formats of tables besides text and IDX.
	_ "github.com/gradus-ml/gradus/data/arrow"
	_ "github.com/gradus-ml/gradus/data/excel"
	_ "github.com/gradus-ml/gradus/data/jsonl"
	_ "github.com/gradus-ml/gradus/data/npy"
	_ "github.com/gradus-ml/gradus/data/parquet"
	_ "github.com/gradus-ml/gradus/data/postgres"
	_ "github.com/gradus-ml/gradus/data/sqlite"
)
