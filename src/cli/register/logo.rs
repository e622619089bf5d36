//! The logo: a speech bubble with an arrow each way. Drawn here, so that no picture has to be kept.

/// The icon of the channel, which stands beside a message: round, 14 by 14.
pub(super) const SVG: &str = concat!(
    r#"<svg xmlns="http://www.w3.org/2000/svg" width="14" height="14" viewBox="0 0 14 14">"#,
    r##"<circle cx="7" cy="7" r="7" fill="#1f6f8b"/>"##,
    r##"<path d="M3.5 3.8h7a.7.7 0 0 1 .7.7v4a.7.7 0 0 1-.7.7H7L4.7 11V9.2H3.5a.7.7 0 0 1-.7-.7v-4a.7.7 0 0 1 .7-.7z" "##,
    r##"fill="#fff"/></svg>"##,
    "\n"
);

type Color = [u8; 3];

const GROUND: Color = [0x1f, 0x6f, 0x8b];
const BUBBLE: Color = [0xff, 0xff, 0xff];
/// Into how many parts a pixel is divided, each way, to make edges smooth.
const FINE: u32 = 3;

/// The logo as a PNG of this size, in pixels.
///
/// # Errors
/// If it cannot be written, which is a mistake in here.
pub(super) fn png(width: u32, height: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y, width, height))).collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(file)
}

/// The mean color of a pixel's parts.
fn pixel(x: u32, y: u32, width: u32, height: u32) -> Color {
    let parts = (0..FINE * FINE).map(|part| (x * FINE + part % FINE, y * FINE + part / FINE));
    let lit = parts.filter(|(x, y)| is_bubble(*x, *y, width * FINE, height * FINE)).count();
    let lit = u32::try_from(lit).unwrap_or_default();
    let mix = |ground: u8, bubble: u8| {
        let sum = u32::from(ground) * (FINE * FINE - lit) + u32::from(bubble) * lit;
        u8::try_from(sum / (FINE * FINE)).unwrap_or(u8::MAX)
    };
    [0, 1, 2].map(|channel| mix(GROUND[channel], BUBBLE[channel]))
}

/// Whether a point is white. The drawing is a square of 1000 by 1000 in the middle.
fn is_bubble(x: u32, y: u32, width: u32, height: u32) -> bool {
    let side = i64::from(width.min(height));
    let place = |at: u32, length: u32| (i64::from(at) * 2 + 1 - i64::from(length)) * 500 / side + 500;
    let (x, y) = (place(x, width), place(y, height));
    let body = is_in_round(x, y, (160, 200), (840, 680), 100);
    let tail = (680..840).contains(&y) && (300..300 + (840 - y)).contains(&x);
    (body || tail) && !is_arrow(x, y - 360) && !is_arrow(1000 - x, y - 540)
}

/// Whether a point is in a rectangle with round corners.
fn is_in_round(x: i64, y: i64, (left, top): (i64, i64), (right, bottom): (i64, i64), radius: i64) -> bool {
    let beyond = |at: i64, low: i64, high: i64| (low + radius - at).max(at - (high - radius)).max(0);
    let (dx, dy) = (beyond(x, left, right), beyond(y, top, bottom));
    dx * dx + dy * dy <= radius * radius
}

/// Whether a point is in an arrow to the right whose middle line is at height 0.
fn is_arrow(x: i64, y: i64) -> bool {
    let shaft = (280..620).contains(&x) && (-25..25).contains(&y);
    let head = (600..720).contains(&x) && y.abs() * 3 <= (720 - x) * 2;
    shaft || head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logo_is_white_in_the_middle_and_not_at_its_edges() {
        assert_eq!(pixel(0, 0, 100, 100), GROUND);
        assert_eq!(pixel(50, 45, 100, 100), BUBBLE);
        assert_eq!(pixel(40, 36, 100, 100), GROUND, "the shaft of an arrow");
        assert_eq!(pixel(200, 122, 400, 272), pixel(50, 45, 100, 100), "it stands in the middle of any size");
    }

    #[test]
    fn the_icon_is_small_enough() {
        assert!(SVG.len() < 100 * 1024 && SVG.contains("width=\"14\" height=\"14\""));
    }
}
