"""Generated worlds: companies, events, prices, filings and headlines of a seed. exchange.synthetic.build joins them."""
