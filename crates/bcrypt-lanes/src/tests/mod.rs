mod differential;
mod vectors;
