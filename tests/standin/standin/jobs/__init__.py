# SPDX-License-Identifier: Apache-2.0
"""Jobs: load, copy, extract, query."""
