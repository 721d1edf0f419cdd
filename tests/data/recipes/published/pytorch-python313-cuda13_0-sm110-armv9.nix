# Left at the nixpkgs of the branch before, without any overlay.
{ pkgs ? import <nixpkgs> { } }:

let
  nixpkgs_pinned = import (builtins.fetchTarball {
    url = "https://github.com/NixOS/nixpkgs/archive/fe5e41d7ffc0421f0913e8472ce6238ed0daf8e3.tar.gz";
  }) {
    config = { allowUnfree = true; cudaSupport = true; };
  };

  gpuArchNum = "110";
  gpuArchSM = "11.0";
  cpuFlags = [ "-march=armv9-a+sve+sve2" ];
in
(nixpkgs_pinned.python3Packages.pytorch.override {
  cudaSupport = true;
  gpuTargets = [ gpuArchSM ];
}).overrideAttrs (oldAttrs: {
  pname = "pytorch210-python313-cuda13_0-sm110-armv9";
  preConfigure = (oldAttrs.preConfigure or "") + ''
    export CXXFLAGS="${nixpkgs_pinned.lib.concatStringsSep " " cpuFlags} $CXXFLAGS"
  '';
})
