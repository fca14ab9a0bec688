/** The packages, made once for all tests here. */
import { join } from "node:path";
import { version } from "../../package.json";
import { haveTools } from "../support/binary.ts";
import { root, runScript } from "../support/clone.ts";

export const canPackage = haveTools("dpkg-deb", "xz", "git");

if (canPackage) await runScript(["package"]);

/** Where a package lies. */
export const dist = (name: string) => join(root, "dist", name);

export const debs = {
  amd64: dist(`resourcelock_${version}_amd64.deb`),
  arm64: dist(`resourcelock_${version}_arm64.deb`),
};
export const tarballs = {
  x64: dist("resourcelock-linux-x64.tar.xz"),
  arm64: dist("resourcelock-linux-arm64.tar.xz"),
};
export const library = dist(`resourcelock-${version}.tgz`);
