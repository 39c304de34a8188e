# SPDX-License-Identifier: Apache-2.0
"""A small BigQuery for tests, written from Google's documents: see the README beside this package."""
