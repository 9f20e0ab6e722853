// The part of oneDNN's C API that Evenkeel uses. dnnl_sgemm has the same form in oneDNN 2.x and 3.x.
#include <oneapi/dnnl/dnnl.h>
