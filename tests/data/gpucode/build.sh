#!/bin/sh
# Build the GPU code fixtures of this folder, without a GPU, from wheels of PyPI:
#   python3 -m venv cuda && cuda/bin/pip install nvidia-cuda-nvcc nvidia-nvvm nvidia-cuda-crt nvidia-cuda-runtime
#   sh build.sh cuda/lib/python3.*/site-packages/nvidia/cu13 OUT
# Recorded with nvcc 13.5.37 and g++ 12.2 on Debian 12, 2026-11-20.
set -eu
CUDA=$1
OUT=$2
PATH="$CUDA/bin:$PATH"
mkdir -p "$OUT" && cd "$OUT"
cat > scale.cu <<'EOF'
__global__ void scale(float *p, float s) { p[threadIdx.x] *= s; }
void launch_scale(float *p) { scale<<<1, 32>>>(p, 2.f); }
EOF
cat > shift.cu <<'EOF'
__global__ void shift(float *p, float s) { p[threadIdx.x] += s; }
void launch_shift(float *p) { shift<<<1, 32>>>(p, 2.f); }
EOF
cat > empty.cu <<'EOF'
int no_kernel_here() { return 1; }
EOF

sass() { echo "-gencode arch=compute_$1,code=sm_$1"; }
ptx() { echo "-gencode arch=compute_$1,code=compute_$1"; }
ALL="$(sass 75) $(sass 86) $(sass 90a) $(sass 100a) $(sass 100f) $(sass 103f) $(sass 120f) $(sass 121a)"
ALL="$ALL $(ptx 90a) $(ptx 100f) $(ptx 120)"
LINK="-shared -cudart none -Xcompiler -fPIC -Xlinker -s -Xlinker --hash-style=gnu -Xlinker -z,noseparate-code"

nvcc --fatbin $ALL scale.cu -o arches.fatbin
for mode in none size speed balance default; do
    nvcc --fatbin $(sass 75) $(sass 90a) $(ptx 90) -compress-mode=$mode scale.cu -o "compress-$mode.fatbin"
done
nvcc --fatbin $(sass 75) $(sass 80) $(sass 86) $(sass 90) $(sass 100) $(ptx 90) -concat scale.cu -o concat.fatbin
nvcc --fatbin -G $(sass 86) $(sass 90a) $(ptx 90) scale.cu -o debug.fatbin
nvcc --fatbin -lineinfo $(sass 86) $(ptx 90) scale.cu -o lineinfo.fatbin
nvcc --fatbin -gencode arch=compute_90,code=lto_90 -gencode arch=compute_100,code=lto_100 scale.cu -o lto.fatbin
nvcc -cubin -arch=sm_86 scale.cu -o sm_86.cubin
nvcc -cubin -arch=sm_90a scale.cu -o sm_90a.cubin
nvcc -cubin -arch=sm_100f scale.cu -o sm_100f.cubin
nvcc -cubin -arch=sm_120 scale.cu -o sm_120.cubin

nvcc -c -Xcompiler -fPIC $(sass 80) $(sass 90a) $(ptx 90) scale.cu -o scale.o
nvcc -c -Xcompiler -fPIC $(sass 80) shift.cu -o shift.o
nvcc -c -Xcompiler -fPIC $(sass 80) $(sass 90a) $(ptx 90) empty.cu -o empty.o
# two translation units, one arch in common; and the same with a unit that has no kernel
nvcc $LINK scale.o shift.o -o uneven.so
nvcc $LINK scale.o empty.o -o with-empty.so
nvcc -lib scale.o shift.o -o libstatic.a
# relocatable device code keeps its pieces in __nv_relfatbin beside the linked .nv_fatbin
nvcc -dc -Xcompiler -fPIC $(sass 86) $(sass 90) scale.cu -o rdc-scale.o
nvcc -dc -Xcompiler -fPIC $(sass 86) $(sass 90) shift.cu -o rdc-shift.o
nvcc -dlink -Xcompiler -fPIC $(sass 86) $(sass 90) rdc-scale.o rdc-shift.o -o rdc-link.o
nvcc $LINK rdc-scale.o rdc-shift.o rdc-link.o -o rdc.so
nvcc $LINK rdc-scale.o rdc-shift.o -o rdc-unlinked.so
nvcc -c -rdc=true -Xcompiler -fPIC -gencode arch=compute_90,code=lto_90 scale.cu -o lto.o
# what a linker never sees: a fatbin as data, loaded through the driver interface
{ echo 'const unsigned long long hidden[] __attribute__((section(".rodata"), aligned(64))) = {'
  od -An -v -t x8 -w8 compress-none.fatbin | sed 's/ */0x/;s/$/,/'; echo '0};'; } > hidden.c
gcc -shared -fPIC -s -nostdlib -Wl,-z,noseparate-code hidden.c -o hidden.so
gcc -shared -fPIC -s -nostdlib -Wl,-z,noseparate-code -x c /dev/null -o plain.so
rm -f ./*.cu hidden.c empty.o shift.o rdc-*.o
