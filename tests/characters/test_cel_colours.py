# SPDX-License-Identifier: GPL-3.0-or-later
"""Base colours, textures and alpha that the cel look keeps, whatever nodes they come from: the plane shows them as they are."""

from __future__ import annotations

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.synth_data.characters import cel  # noqa: E402
from ningyo.synth_data.characters.palette import linear, shade_of  # noqa: E402

RED, BLUE, SAND = (0.7, 0.1, 0.2), (0.1, 0.3, 0.8), (0.8, 0.6, 0.3)  # sRGB


def new_material(name="Paint"):
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    material.node_tree.nodes.clear()
    return material, material.node_tree


def rgba(srgb):
    return (*linear(np.array(srgb)), 1.0)


def node(tree, kind, *links, **values):
    """A node with values for inputs (`_` for a space); links are (output socket, input's name or number)."""
    new = tree.nodes.new(f"ShaderNode{kind}")
    for name, value in values.items():
        new.inputs[name.replace("_", " ")].default_value = value
    for source, name in links:
        tree.links.new(source, new.inputs[name])
    return new


def finish(tree, shader):
    node(tree, "OutputMaterial", (shader.outputs[0], "Surface"))


def picture(left, right, alpha=1.0):
    """An image of two halves, sRGB; the right one has `alpha`."""
    image = bpy.data.images.new("Halves", 8, 8, alpha=True)
    pixels = np.ones((8, 8, 4), np.float32)
    pixels[:, :4, :3], pixels[:, 4:, :3], pixels[:, 4:, 3] = left, right, alpha
    image.pixels.foreach_set(pixels.ravel())
    image.update()
    image.alpha_mode = "CHANNEL_PACKED"
    image.pack()
    return image


def texture(tree, image, *links):
    new = node(tree, "TexImage", *links)
    new.image, new.interpolation = image, "Closest"
    return new


# Each makes a material, and says what (the left, the right) half of the plane shall show: sRGB and alpha.


def principled(tree):
    finish(tree, node(tree, "BsdfPrincipled", Base_Color=rgba(RED), Metallic=1.0))
    return (*RED, 1), (*RED, 1)


def diffuse(tree):
    finish(tree, node(tree, "BsdfDiffuse", Color=rgba(BLUE)))
    return (*BLUE, 1), (*BLUE, 1)


def textured(tree):
    image = texture(tree, picture(RED, BLUE))
    finish(tree, node(tree, "BsdfPrincipled", (image.outputs[0], "Base Color")))
    return (*RED, 1), (*BLUE, 1)


def moved_texture(tree):
    """The UVs are moved by half: what was right is left."""
    uv = node(tree, "UVMap")
    mapping = node(tree, "Mapping", (uv.outputs[0], "Vector"), Location=(0.5, 0, 0))
    image = texture(tree, picture(RED, BLUE), (mapping.outputs[0], "Vector"))
    finish(tree, node(tree, "BsdfPrincipled", (image.outputs[0], "Base Color")))
    return (*BLUE, 1), (*RED, 1)


def factor_times_texture(tree):
    image = texture(tree, picture((1, 1, 1), SAND))
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
    mix.inputs["Factor"].default_value = 1.0
    colours = [socket for socket in mix.inputs if socket.type == "RGBA"]
    tree.links.new(image.outputs[0], colours[0])
    colours[1].default_value = (0.5, 0.5, 0.5, 1.0)
    finish(tree, node(tree, "BsdfPrincipled", (next(s for s in mix.outputs if s.type == "RGBA"), "Base Color")))

    def half(srgb):
        value = linear(np.array(srgb)) * 0.5
        return tuple(np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055))

    return (*half((1, 1, 1)), 1), (*half(SAND), 1)


def vertex_colours(tree):
    attribute = tree.nodes.new("ShaderNodeVertexColor")
    attribute.layer_name = "Painted"
    finish(tree, node(tree, "BsdfPrincipled", (attribute.outputs[0], "Base Color")))
    return (*SAND, 1), (*SAND, 1)


def unlit(tree):
    image = texture(tree, picture(RED, SAND))
    finish(tree, node(tree, "Emission", (image.outputs[0], "Color")))
    return (*RED, 1), (*SAND, 1)


def unlit_of_gltf(tree):
    """As Blender's importer makes `KHR_materials_unlit` (what VRM's MToon comes as), with blended alpha."""
    image = texture(tree, picture(RED, SAND, 0.5))
    light = node(tree, "Emission", (image.outputs[0], "Color"))
    clear = node(tree, "BsdfTransparent")
    path = tree.nodes.new("ShaderNodeLightPath")
    camera_only = node(tree, "MixShader", (path.outputs["Is Camera Ray"], 0), (clear.outputs[0], 1), (light.outputs[0], 2))
    finish(tree, node(tree, "MixShader", (image.outputs["Alpha"], 0), (clear.outputs[0], 1), (camera_only.outputs[0], 2)))
    return (*RED, 1), (*SAND, 0.5)


def unlit_by_black(tree):
    finish(tree, node(tree, "BsdfPrincipled", Base_Color=(0, 0, 0, 1), Emission_Color=rgba(BLUE), Emission_Strength=1.0))
    return (*BLUE, 1), (*BLUE, 1)


def glowing(tree):
    image = texture(tree, picture((0, 0, 0), (1, 1, 1)))
    finish(tree, node(tree, "BsdfPrincipled", (image.outputs[0], "Emission Color"), Base_Color=rgba(RED), Emission_Strength=1.0))
    return (*RED, 1), (1, 1, 1, 1)


def blended_alpha(tree):
    image = texture(tree, picture(RED, BLUE, 0.25))
    finish(tree, node(tree, "BsdfPrincipled", (image.outputs[0], "Base Color"), (image.outputs["Alpha"], "Alpha")))
    return (*RED, 1), (*BLUE, 0.25)


def clipped_alpha(tree):
    image = texture(tree, picture(RED, BLUE, 0.4))
    clip = tree.nodes.new("ShaderNodeMath")
    clip.operation = "GREATER_THAN"
    tree.links.new(image.outputs["Alpha"], clip.inputs[0])
    finish(tree, node(tree, "BsdfPrincipled", (image.outputs[0], "Base Color"), (clip.outputs[0], "Alpha")))
    return (*RED, 1), (0, 0, 0, 0)


def alpha_by_a_mix_of_shaders(tree):
    image = texture(tree, picture(RED, BLUE, 0.0))
    body, clear = node(tree, "BsdfDiffuse", (image.outputs[0], "Color")), node(tree, "BsdfTransparent")
    invert = node(tree, "Invert", (image.outputs["Alpha"], "Color"))
    finish(tree, node(tree, "MixShader", (invert.outputs[0], 0), (body.outputs[0], 1), (clear.outputs[0], 2)))
    return (*RED, 1), (0, 0, 0, 0)


def mixed_shaders(tree):
    first, second = node(tree, "BsdfDiffuse", Color=rgba(RED)), node(tree, "BsdfGlossy", Color=rgba(RED))
    finish(tree, node(tree, "MixShader", (first.outputs[0], 1), (second.outputs[0], 2), Fac=0.3))
    return (*RED, 1), (*RED, 1)


def added_light(tree):
    image = texture(tree, picture((0, 0, 0), (1, 1, 1)))
    body, light = node(tree, "BsdfDiffuse", Color=rgba(BLUE)), node(tree, "Emission", (image.outputs[0], "Color"))
    finish(tree, node(tree, "AddShader", (light.outputs[0], 0), (body.outputs[0], 1)))
    return (*BLUE, 1), (1, 1, 1, 1)


def in_a_group(tree):
    """The shader and its texture are inside a group within a group, its tint comes from outside."""
    inner = bpy.data.node_groups.new("Skin inside", "ShaderNodeTree")
    inner.interface.new_socket("Tint", in_out="INPUT", socket_type="NodeSocketColor")
    inner.interface.new_socket("Shader", in_out="OUTPUT", socket_type="NodeSocketShader")
    given, leave = inner.nodes.new("NodeGroupInput"), inner.nodes.new("NodeGroupOutput")
    image = texture(inner, picture((1, 1, 1), (0, 0, 0), 0.0))
    mix = inner.nodes.new("ShaderNodeMix")
    mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
    mix.inputs["Factor"].default_value = 1.0
    colours = [socket for socket in mix.inputs if socket.type == "RGBA"]
    inner.links.new(image.outputs[0], colours[0])
    inner.links.new(given.outputs[0], colours[1])
    shader = node(inner, "BsdfPrincipled", (next(s for s in mix.outputs if s.type == "RGBA"), "Base Color"), (image.outputs[1], "Alpha"))
    inner.links.new(shader.outputs[0], leave.inputs[0])
    outer = bpy.data.node_groups.new("Skin", "ShaderNodeTree")
    outer.interface.new_socket("Shader", in_out="OUTPUT", socket_type="NodeSocketShader")
    use = outer.nodes.new("ShaderNodeGroup")
    use.node_tree = inner
    use.inputs["Tint"].default_value = rgba(SAND)
    outer.links.new(use.outputs[0], outer.nodes.new("NodeGroupOutput").inputs[0])
    whole = tree.nodes.new("ShaderNodeGroup")
    whole.node_tree = outer
    finish(tree, whole)
    return (*SAND, 1), (0, 0, 0, 0)


def no_shader(tree):
    return (0.7, 0.5, 0.3, 1), (0.7, 0.5, 0.3, 1)


KINDS = [
    principled, diffuse, textured, moved_texture, factor_times_texture, vertex_colours, unlit, unlit_of_gltf, unlit_by_black, glowing,
    blended_alpha, clipped_alpha, alpha_by_a_mix_of_shaders, mixed_shaders, added_light, in_a_group, no_shader,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_colours_and_alpha_are_kept(view, plane, snapshot, kind):
    material, tree = new_material()
    material.diffuse_color = (*linear(np.array((0.7, 0.5, 0.3))), 1.0)
    wanted = kind(tree)
    item = plane(material)
    painted = item.data.color_attributes.new("Painted", "FLOAT_COLOR", "POINT")
    for value in painted.data:
        value.color = rgba(SAND)
    before = snapshot()
    cel.apply_cel_look([item], outline=False)
    pixels = view.render()
    # Straight alpha: where there is none, there is no colour.
    for found, half in ((pixels[4, 1], wanted[0]), (pixels[4, 6], wanted[1])):
        np.testing.assert_allclose(found, half, atol=0.02)
    cel.remove_cel_look([item])
    assert snapshot() == before


def test_shade_is_the_palettes(view, plane):
    """In shade, what the nodes compute is what `palette.shade_of` says."""
    for colour in (RED, BLUE, SAND, (0.5, 0.5, 0.5), (0.95, 0.95, 0.93), (0.1, 0.5, 0.1)):
        material, tree = new_material()
        finish(tree, node(tree, "BsdfPrincipled", Base_Color=rgba(colour)))
        item = plane(material)
        cel.apply_cel_look([item], outline=False)
        cel.set_light((0, 1, 0))
        np.testing.assert_allclose(view.render()[4, 4, :3], shade_of(np.array(colour)), atol=0.015)
        bpy.data.objects.remove(item)


def test_an_outline_of_what_is_cut_out_is_cut_out_too(view, plane):
    """A card with alpha has no dark sheet behind it."""
    material, tree = new_material()
    clipped_alpha(tree)
    item = plane(material)
    item.rotation_euler = (0, 0, np.pi)  # seen from behind, the hull lies before the card
    cel.apply_cel_look([item])
    cel.set_outline_width([item], 0.05)
    pixels = view.render()
    assert pixels[4, 1, 3] < 0.01
    assert pixels[4, 6, 3] > 0.99
