"""How fast rldoctor is beside what else would do the job; each module measures one part."""
