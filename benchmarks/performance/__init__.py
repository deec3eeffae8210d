"""How fast rldoctor is, compared with the alternatives; each module measures one part."""
