"""Ways into the instances of a lab, found by the entry points that every way in has."""
