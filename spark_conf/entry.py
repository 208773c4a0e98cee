"""What spark-submit starts in a job elsewhere. The work is in `lake.spark_main`; this file must not lie in a package of ours."""

import sys

from lake.spark_main import main

if __name__ == "__main__":
    sys.exit(main())
