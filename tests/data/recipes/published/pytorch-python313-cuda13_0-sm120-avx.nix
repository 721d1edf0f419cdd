# Left at the nixpkgs of the branch before, without any overlay.
{ pkgs ? import <nixpkgs> { } }:

let
  nixpkgs_pinned = import (builtins.fetchTarball {
    url = "https://github.com/NixOS/nixpkgs/archive/fe5e41d7ffc0421f0913e8472ce6238ed0daf8e3.tar.gz";
  }) {
    config = { allowUnfree = true; cudaSupport = true; };
  };

  gpuArchNum = "120";
  gpuArchSM = "12.0";
  cpuFlags = [ "-mavx" "-mfma" "-mf16c" ];
in
(nixpkgs_pinned.python3Packages.pytorch.override {
  cudaSupport = true;
  gpuTargets = [ gpuArchSM ];
}).overrideAttrs (oldAttrs: {
  pname = "pytorch210-python313-cuda13_0-sm120-avx";
  preConfigure = (oldAttrs.preConfigure or "") + ''
    export CXXFLAGS="${nixpkgs_pinned.lib.concatStringsSep " " cpuFlags} $CXXFLAGS"
  '';
})
